"""The next run of a course: its structure with new ids and moved dates, none of its learners."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def original(lms: Any) -> dict[str, str]:
    body = {
        "title": "Statistics, spring",
        "description": "Histograms and what follows",
        "instructor_id": lms.user("instructor"),
        "tags": ["data"],
        "capacity": 20,
        "starts_at": "2026-02-01T08:00:00Z",
        "ends_at": "2040-06-30T20:00:00Z",
    }
    course_id = str(lms.made("/courses", body)["id"])
    path = f"/courses/{course_id}"
    before = lms.course()
    required = {"course_ids": [before]}
    lms.call("PUT", f"{path}/prerequisites", json=required, headers={"If-Match": "*"})
    week = {"title": "Week 1", "opens_at": "2026-02-08T08:00:00Z"}
    module = str(lms.made(f"{path}/modules", week)["id"])
    file = {"name": "film.mp4", "media_type": "video/mp4"}
    media = str(lms.made(f"{path}/media", file)["id"])
    content = b"\0\0\0\x18ftypisom" + b"\0" * 600
    assert lms.call("PUT", f"/media/{media}/bytes", content=content).status_code == 200
    work = lms.assessment(course_id, due_at="2026-03-01T12:00:00Z")
    video = lms.item(course_id, "video", module_id=module, metadata={"media_id": media})
    quiz = lms.item(course_id, "quiz", metadata={"assessment_id": work})
    away = lms.item(course_id, "page")
    lms.call("DELETE", f"{path}/items/{away}")
    assert lms.post(f"{path}/publish").status_code == 200
    learner = lms.user()
    lms.database.execute(
        "INSERT INTO enrollments (id, user_id, course_id, institution_id) VALUES (%s, %s, %s, %s)",
        [new_id(), learner, course_id, lms.institution_id],
    )
    return {
        "course": course_id,
        "module": module,
        "media": media,
        "work": work,
        "video": video,
        "quiz": quiz,
        "before": before,
    }


def test_structure_is_copied_with_new_ids_moved_dates_and_no_learners(lms: Any) -> None:
    old = original(lms)
    emitted = len(lms.types())
    wish = {"title": "Statistics, autumn", "starts_at": "2026-09-01T08:00:00Z"}

    copy = lms.made(f"/courses/{old['course']}/copy", wish)

    assert (copy["status"], copy["capacity"], copy["tags"]) == ("draft", 20, ["data"])
    assert copy["copied_from"] == old["course"]
    assert copy["starts_at"] == "2026-09-01T08:00:00Z"
    assert copy["ends_at"] == "2041-01-28T20:00:00Z", "212 days later, as the start"
    path = f"/courses/{copy['id']}"
    assert lms.get(f"{path}/prerequisites").json()["course_ids"] == [old["before"]]
    outline = lms.get(f"{path}/outline").json()
    [module] = outline["modules"]
    assert module["opens_at"] == "2026-09-08T08:00:00Z"
    assert ([i["kind"] for i in outline["items"]], [i["kind"] for i in module["items"]]) == (
        ["quiz"],
        ["video"],
    )
    items = {row["kind"]: row for row in lms.get(f"{path}/items").json()["items"]}
    [media] = lms.get(f"{path}/media").json()["items"]
    assert items["video"]["metadata"] == {"media_id": media["id"]}
    assert lms.get(f"/media/{media['id']}/bytes").content.startswith(b"\0\0\0\x18ftyp")
    ids = {copy["id"], module["id"], media["id"], *(row["id"] for row in items.values())}
    assert ids.isdisjoint(old.values())
    assert lms.get(f"{path}/enrollments").json()["items"] == []
    types = lms.types()[emitted:]
    described = Counter(one for one in types if one.endswith(".described"))
    assert described == {
        "course.described": 1,
        "module.described": 1,
        "item.described": 2,
        "assessment.described": 1,
    }
    others = [one for one in types if one not in described]
    assert others[:2] == ["course.created", "course.copied"]
    assert set(others[2:]) <= {"assessment.created", "course.updated"}


def test_the_work_a_course_sets_comes_along_and_its_quizzes_lead_to_it(lms: Any) -> None:
    old = original(lms)
    wish = {"starts_at": "2026-03-01T08:00:00Z"}
    copy = lms.made(f"/courses/{old['course']}/copy", wish)
    [work] = lms.get(f"/courses/{copy['id']}/assessments").json()["items"]
    assert work["id"] != old["work"]
    assert work["due_at"] == "2026-03-29T12:00:00Z"
    items = lms.get(f"/courses/{copy['id']}/items").json()["items"]
    [quiz] = [row for row in items if row["kind"] == "quiz"]
    assert quiz["metadata"] == {"assessment_id": work["id"]}


def test_however_often_and_at_once_it_is_asked_for_one_copy_is_made(lms: Any) -> None:
    old, key = original(lms), new_id()
    path = f"/courses/{old['course']}/copy"
    with ThreadPoolExecutor(6) as many:
        answers = list(many.map(lambda _: lms.post(path, {}, key=key), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert {answer.json()["id"] for answer in answers} == {key}
    assert lms.types().count("course.copied") == 1
    assert len(lms.get(f"/courses/{key}/items").json()["items"]) == 2


def test_dates_cannot_move_without_a_start_to_move_from(lms: Any) -> None:
    course_id = lms.course()
    wish = {"starts_at": "2026-09-01T08:00:00Z"}
    refused = lms.post(f"/courses/{course_id}/copy", wish)
    assert (refused.status_code, "no start" in refused.json()["detail"]) == (422, True)
    copy = lms.made(f"/courses/{course_id}/copy", {})
    assert copy["title"] == "Statistics"


def test_dates_do_not_move_out_of_the_calendar(lms: Any) -> None:
    body = {
        "title": "Forever",
        "instructor_id": lms.user("instructor"),
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": "2199-06-01T00:00:00Z",
    }
    course_id = lms.made("/courses", body)["id"]
    refused = lms.post(f"/courses/{course_id}/copy", {"starts_at": "2027-01-01T00:00:00Z"})
    assert (refused.status_code, "calendar" in refused.json()["detail"]) == (422, True)


def test_an_archived_course_can_have_a_next_run(lms: Any) -> None:
    course_id = lms.course()
    lms.post(f"/courses/{course_id}/archive")
    copy = lms.made(f"/courses/{course_id}/copy", {"title": "Again"})
    assert lms.post(f"/courses/{copy['id']}/publish").json()["status"] == "published"


def test_bytes_stay_as_long_as_a_copy_has_them(lms: Any) -> None:
    old = original(lms)
    copy = lms.made(f"/courses/{old['course']}/copy", {})
    [media] = lms.get(f"/courses/{copy['id']}/media").json()["items"]
    lms.call("DELETE", f"/courses/{old['course']}/items/{old['video']}")
    assert lms.call("DELETE", f"/media/{old['media']}").status_code == 204
    assert lms.get(f"/media/{old['media']}/bytes").status_code == 404
    assert lms.get(f"/media/{media['id']}/bytes").status_code == 200
