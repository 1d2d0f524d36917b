"""Courses required before others never go in a circle, whoever writes at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def draft(lms: Any) -> str:
    body = {"title": "Statistics", "instructor_id": lms.user("instructor")}
    return str(lms.made("/courses", body)["id"])


def require(lms: Any, course_id: str, *before: str, version: str = "*") -> Any:
    path, body = f"/courses/{course_id}/prerequisites", {"course_ids": list(before)}
    return lms.call("PUT", path, json=body, headers={"If-Match": version})


def required(lms: Any, course_id: str) -> list[str]:
    return list(lms.get(f"/courses/{course_id}/prerequisites").json()["course_ids"])


def test_they_are_replaced_as_a_whole_and_told_once(lms: Any) -> None:
    course_id, first, second = (draft(lms) for _ in range(3))
    assert require(lms, course_id, first, second, first).json()["course_ids"] == [first, second]
    emitted = lms.types().count("course.updated")
    assert require(lms, course_id, first, second).status_code == 200
    assert lms.types().count("course.updated") == emitted
    assert require(lms, course_id, second).status_code == 200
    assert required(lms, course_id) == [second]
    version = lms.get(f"/courses/{course_id}/prerequisites").headers["ETag"]
    require(lms, course_id)
    assert require(lms, course_id, first, version=version).status_code == 412


def test_a_circle_is_refused_and_shown(lms: Any) -> None:
    one, two, three = (draft(lms) for _ in range(3))
    assert require(lms, one, one).status_code == 409
    require(lms, one, two)
    require(lms, two, three)
    refused = require(lms, three, one)
    assert refused.status_code == 409
    assert f"{three} → {one} → {two} → {three}" in refused.json()["detail"]
    assert required(lms, three) == []


def test_courses_that_are_not_there_are_refused(lms: Any) -> None:
    course_id = draft(lms)
    for unknown in (new_id(), draft(lms.elsewhere())):
        refused = require(lms, course_id, unknown)
        assert (refused.status_code, unknown in refused.json()["detail"]) == (422, True)


def test_two_who_write_the_halves_of_a_circle_at_once_do_not_both_succeed(lms: Any) -> None:
    for _ in range(8):
        ring = [draft(lms) for _ in range(4)]
        pairs = list(zip(ring, [*ring[1:], ring[0]], strict=True))
        with ThreadPoolExecutor(4) as many:
            answers = list(many.map(lambda pair: require(lms, *pair).status_code, pairs))
        assert sorted(answers) == [200, 200, 200, 409]
