"""From draft to published and back: what is missing is named, and nothing is emitted twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def draft(lms: Any, **more: Any) -> str:
    body = {"title": "Statistics", "instructor_id": lms.user("instructor"), **more}
    return str(lms.made("/courses", body)["id"])


def publish(lms: Any, course_id: str) -> Any:
    return lms.post(f"/courses/{course_id}/publish")


def change(lms: Any, course_id: str, version: str = "*", **changes: Any) -> Any:
    path, headers = f"/courses/{course_id}", {"If-Match": version}
    return lms.call("PATCH", path, json=changes, headers=headers)


def test_an_empty_course_is_not_published_and_told_why(lms: Any) -> None:
    course_id = draft(lms)
    refused = publish(lms, course_id)
    assert refused.status_code == 409
    assert "no items and no assessments" in refused.json()["detail"]
    ready = lms.get(f"/courses/{course_id}/readiness").json()
    assert (ready["ready"], len(ready["missing"])) == (False, 1)
    lms.assessment(course_id)
    assert lms.get(f"/courses/{course_id}/readiness").json()["ready"]
    assert publish(lms, course_id).json()["status"] == "published"
    assert lms.types().count("course.published") == 1


def test_everything_that_is_missing_is_named_at_once(lms: Any, database: Any) -> None:
    before = draft(lms)
    dates = {"starts_at": "2014-01-01T00:00:00Z", "ends_at": "2014-06-01T00:00:00Z"}
    course_id = draft(lms, **dates)
    item = lms.item(course_id, "external")
    file = {"name": "film.mp4", "media_type": "video/mp4"}
    media = lms.made(f"/courses/{course_id}/media", file)["id"]
    video = lms.item(course_id, "video", metadata={"media_id": media})
    body, version = {"course_ids": [before]}, {"If-Match": "*"}
    lms.call("PUT", f"/courses/{course_id}/prerequisites", json=body, headers=version)
    instructor = lms.get(f"/courses/{course_id}").json()["instructor_id"]
    database.execute("UPDATE users SET status = 'suspended' WHERE id = %s", [instructor])

    missing = lms.get(f"/courses/{course_id}/readiness").json()["missing"]

    assert missing == [
        f"instructor {instructor} is suspended",
        "ends_at lies in the past",
        f"prerequisite {before} is draft",
        f"item {item} (external): metadata.url is missing: where does it lead?",
        f"item {video} (video): file {media} is not there: upload it",
    ]
    refused = publish(lms, course_id)
    assert refused.status_code == 409
    assert all(words in refused.json()["detail"] for words in missing)


def test_a_course_becomes_a_draft_again_only_while_nobody_has_enrolled(lms: Any) -> None:
    course_id = lms.course()
    assert lms.post(f"/courses/{course_id}/unpublish").json()["status"] == "draft"
    assert lms.post(f"/courses/{course_id}/unpublish").status_code == 200
    assert lms.types().count("course.unpublished") == 1
    publish(lms, course_id)
    lms.enrollment(course_id, lms.user())
    refused = lms.post(f"/courses/{course_id}/unpublish")
    assert (refused.status_code, "learners" in refused.json()["detail"]) == (409, True)


def test_a_version_must_be_named_and_be_the_present_one(lms: Any) -> None:
    course_id = draft(lms)
    version = lms.get(f"/courses/{course_id}").headers["ETag"]
    path = f"/courses/{course_id}"
    assert lms.call("PATCH", path, json={"title": "A"}).status_code == 428
    first = change(lms, course_id, version, title="A")
    assert first.status_code == 200
    assert change(lms, course_id, version, title="B").status_code == 412
    assert change(lms, course_id, first.headers["ETag"], title="B").status_code == 200
    assert first.headers["ETag"] != lms.get(path).headers["ETag"]
    known = {"If-None-Match": lms.get(path).headers["ETag"]}
    assert lms.call("GET", path, headers=known).status_code == 304


def test_of_many_who_change_the_version_they_read_one_succeeds(lms: Any) -> None:
    course_id = draft(lms)
    version = lms.get(f"/courses/{course_id}").headers["ETag"]
    with ThreadPoolExecutor(8) as many:
        answers = many.map(lambda n: change(lms, course_id, version, title=f"T{n}"), range(8))
        codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [412] * 7


def test_what_a_course_says_is_bounded_and_its_dates_are_in_order(lms: Any) -> None:
    course_id = draft(lms)
    assert change(lms, course_id, metadata={"a": "x" * 17_000}).status_code == 422
    assert change(lms, course_id, tags=["x"] * 21).status_code == 422
    assert change(lms, course_id, capacity=0).status_code == 422
    backwards = {"starts_at": "2026-06-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}
    assert "ends_at" in change(lms, course_id, **backwards).json()["detail"]
    assert change(lms, course_id, instructor_id=lms.user()).status_code == 422
    assert lms.types()[-1] != "course.updated"


def test_tags_survive_new_metadata_and_are_replaced_when_named(lms: Any) -> None:
    course_id = draft(lms, tags=["Data", "maths"], metadata={"level": "easy"})
    assert change(lms, course_id, metadata={"level": "hard"}).json()["tags"] == ["Data", "maths"]
    assert change(lms, course_id, tags=["logic"]).json()["metadata"] == {
        "level": "hard",
        "tags": ["logic"],
    }


def test_an_instructor_hands_the_course_over(lms: Any) -> None:
    course_id, heir = draft(lms), lms.user("instructor")
    assert change(lms, course_id, instructor_id=heir).json()["instructor_id"] == heir
    other = lms.person(heir, "instructor@institution")
    assert change(other, course_id, title="Mine now").status_code == 200


def test_who_teaches_beside_the_first_instructor_runs_the_course_too(lms: Any) -> None:
    course_id, second = lms.course(), lms.user("instructor")
    as_second = lms.person(second, "instructor@institution")
    assert change(as_second, course_id, title="A").status_code == 403
    lms.made(f"/courses/{course_id}/instructors", {"user_id": second})
    again = lms.post(f"/courses/{course_id}/instructors", {"user_id": second})
    assert again.status_code == 409
    assert change(as_second, course_id, title="A").status_code == 200
    rows = lms.get(f"/courses/{course_id}/instructors").json()["items"]
    assert [row["first"] for row in rows] == [True, False]
    student = lms.post(f"/courses/{course_id}/instructors", {"user_id": lms.user()})
    assert student.status_code == 422
    path = f"/courses/{course_id}/instructors"
    assert lms.call("DELETE", f"{path}/{second}").status_code == 204
    assert change(as_second, course_id, title="B").status_code == 403
    assert lms.call("DELETE", f"{path}/{rows[0]['user_id']}").status_code == 409
