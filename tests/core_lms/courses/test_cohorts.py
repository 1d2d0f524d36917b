"""Groups of learners: one per learner and course, joined, changed, left, each step emitted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def cohort(lms: Any, course_id: str, name: str, **more: Any) -> str:
    return str(lms.made(f"/courses/{course_id}/cohorts", {"name": name, **more})["id"])


def members(lms: Any, cohort_id: str) -> list[str]:
    rows = lms.get(f"/cohorts/{cohort_id}/members").json()["items"]
    return [row["user_id"] for row in rows]


def test_a_learner_of_the_course_joins_moves_and_leaves(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    morning, evening = cohort(lms, course_id, "Morning"), cohort(lms, course_id, "Evening")
    join = {"user_id": learner}
    refused = lms.post(f"/cohorts/{morning}/members", join)
    assert (refused.status_code, "not in course" in refused.json()["detail"]) == (409, True)
    lms.enrollment(course_id, learner)
    before = len(lms.types())
    lms.made(f"/cohorts/{morning}/members", join)
    lms.made(f"/cohorts/{evening}/members", join)
    assert (members(lms, morning), members(lms, evening)) == ([], [learner])
    path = f"/cohorts/{evening}/members/{learner}"
    assert lms.call("DELETE", path).status_code == 204
    assert lms.call("DELETE", path).status_code == 404
    assert lms.types()[before:] == ["cohort.joined", "cohort.left", "cohort.joined", "cohort.left"]


def test_names_are_unique_and_dates_in_order(lms: Any) -> None:
    course_id = lms.course()
    first = cohort(lms, course_id, "Morning")
    assert lms.post(f"/courses/{course_id}/cohorts", {"name": "Morning"}).status_code == 409
    dates = {"starts_at": "2026-06-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}
    backwards = lms.post(f"/courses/{course_id}/cohorts", {"name": "B", **dates})
    assert backwards.status_code == 422
    path = f"/cohorts/{first}"
    version = {"If-Match": lms.get(path).headers["ETag"]}
    ends = {"ends_at": "2014-01-01T00:00:00Z"}
    assert lms.call("PATCH", path, json=ends, headers=version).status_code == 200
    assert lms.call("PATCH", path, json=ends, headers=version).status_code == 412
    learner = lms.user()
    lms.enrollment(course_id, learner)
    ended = lms.post(f"/cohorts/{first}/members", {"user_id": learner})
    assert (ended.status_code, "ended" in ended.json()["detail"]) == (409, True)
    assert [e["payload"]["ends_at"] for e in lms.events() if e["event_type"] == "cohort.updated"]


def test_a_learner_who_is_put_into_many_groups_at_once_ends_up_in_one(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    lms.enrollment(course_id, learner)
    groups = [cohort(lms, course_id, f"Group {n}") for n in range(6)]
    with ThreadPoolExecutor(6) as many:
        posts = many.map(
            lambda id_: lms.post(f"/cohorts/{id_}/members", {"user_id": learner}), groups
        )
        assert {answer.status_code for answer in posts} == {201}
    assert sum(members(lms, id_) == [learner] for id_ in groups) == 1
    emitted = lms.types()
    assert emitted.count("cohort.joined") == 6
    assert emitted.count("cohort.left") == 5


def test_cohorts_are_listed_in_pages(lms: Any) -> None:
    course_id = lms.course()
    made = [cohort(lms, course_id, f"Group {n}") for n in range(3)]
    page = lms.get(f"/courses/{course_id}/cohorts", limit=2).json()
    rest = lms.get(f"/courses/{course_id}/cohorts", limit=2, cursor=page["next"]).json()
    assert [row["id"] for row in page["items"] + rest["items"]] == made
