"""Whose clock counts: the server's for what is handed in, a client's within bounds for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def room(lms: Any) -> dict[str, Any]:
    """A course with an item and work that was due an hour ago, a learner of it and its teacher."""
    course_id, learner = lms.course(), lms.user()
    lms.enrollment(course_id, learner)
    teacher = lms.get(f"/courses/{course_id}").json()["instructor_id"]
    return {
        "course": course_id,
        "item": lms.item(course_id, "page"),
        "work": lms.assessment(course_id, due_at=ago(hours=1)),
        "id": learner,
        "learner": lms.person(learner),
        "teacher": lms.person(teacher, "instructor@institution"),
    }


def test_who_hands_in_late_is_late_whatever_their_clock_says(room: dict[str, Any]) -> None:
    """Before, a moment before the due date made it on time: 201, `late: false`."""
    path, body = f"/assessments/{room['work']}/submissions", {"user_id": room["id"]}
    refused = room["learner"].post(path, body | {"occurred_at": ago(hours=2)})
    assert refused.status_code == 403
    assert "server's clock" in refused.json()["detail"]
    made = room["learner"].made(path, body)
    assert made["late"] is True
    at = datetime.fromisoformat(made["submitted_at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_nobody_but_an_import_backdates_a_grade_an_enrollment_or_leaving(
    lms: Any, room: dict[str, Any]
) -> None:
    made = room["learner"].made(f"/assessments/{room['work']}/submissions", {"user_id": room["id"]})
    stranger = lms.user()
    enrolled = lms.enrollment(lms.course(), room["id"])
    past = {"occurred_at": ago(minutes=5)}
    for who, path, body in (
        (room["teacher"], f"/submissions/{made['id']}/grade", {"score": 90.0}),
        (lms.person(stranger), f"/courses/{room['course']}/enrollments", {"user_id": stranger}),
        (room["learner"], f"/enrollments/{enrolled}/drop", {}),
    ):
        assert who.post(path, body | past).status_code == 403, path
        assert lms.post(path, body | past).is_success, "an import says when it was"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_a_moment_that_no_table_can_hold_is_refused_to_everybody(
    lms: Any, room: dict[str, Any], moment: str
) -> None:
    path = f"/courses/{room['course']}/items/{room['item']}/events"
    body = {"event_type": "content.viewed", "user_id": room["id"], "occurred_at": moment}
    for who in (room["learner"], lms):
        answer = who.post(path, body)
        assert answer.status_code == 422, answer.text
    assert "content.viewed" not in lms.types()


def test_what_was_done_offline_may_be_some_days_old_and_no_older(
    lms: Any, room: dict[str, Any]
) -> None:
    path = f"/courses/{room['course']}/items/{room['item']}/events"
    view = {"event_type": "content.viewed", "user_id": room["id"]}
    made = room["learner"].made(path, view | {"occurred_at": ago(hours=71)})
    assert made["occurred_at"] < ago(hours=70)
    old = room["learner"].post(path, view | {"occurred_at": ago(hours=73)})
    assert old.status_code == 422
    assert "LMS_EVENTS_MAX_AGE_HOURS" in old.json()["detail"]
    ahead = view | {"occurred_at": ago(minutes=-6)}
    assert room["learner"].post(path, ahead).status_code == 422
    assert lms.post(path, ahead).status_code == 422, "nobody brings the future"
    assert lms.post(path, view | {"occurred_at": ago(days=4000)}).status_code == 201


def test_a_clock_that_is_fast_opens_nothing_early(lms: Any, room: dict[str, Any]) -> None:
    module = lms.made(
        f"/courses/{room['course']}/modules", {"title": "Later", "opens_at": ago(minutes=-3)}
    )
    item = lms.item(room["course"], "page", module_id=module["id"])
    view = {"event_type": "content.viewed", "user_id": room["id"], "occurred_at": ago(minutes=-4)}
    answer = room["learner"].post(f"/courses/{room['course']}/items/{item}/events", view)
    assert (answer.status_code, "opens at" in answer.json()["detail"]) == (409, True)


def test_a_key_brings_history_where_it_names_that(lms: Any, room: dict[str, Any]) -> None:
    path = f"/courses/{room['course']}/items/{room['item']}/events"
    view = {"event_type": "content.viewed", "user_id": room["id"], "occurred_at": ago(days=400)}
    for scopes, becomes in ((["item.*"], 422), (["item.*", "history.write"], 201)):
        key = lms.made("/api-keys", {"name": new_id(), "scopes": scopes})["key"]
        robot = type(lms)(lms.http, lms.database, lms.institution_id, key)
        assert robot.post(path, view).status_code == becomes
