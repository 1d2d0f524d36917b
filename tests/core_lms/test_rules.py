"""What the LMS refuses, and that refusing leaves no trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert words in problem["detail"]


def test_an_address_belongs_to_one_account_however_it_is_spelled(lms: Any) -> None:
    address = f"{new_id()}@example.org"
    lms.made("/users", {"email": address, "name": "Sam"})
    again = lms.post("/users", {"email": address.upper(), "name": "Sam"})
    refused(again, 409, "email address")
    assert address not in again.text
    assert lms.types() == ["user.created"]


def test_only_staff_teaches(lms: Any) -> None:
    refused(lms.post("/courses", {"title": "A", "instructor_id": lms.user()}), 422, "student")
    refused(lms.post("/courses", {"title": "A", "instructor_id": new_id()}), 422, "no user")


def test_nobody_enrolls_in_a_draft_or_an_archived_course(lms: Any) -> None:
    course_id, learner = lms.course(published=False), {"user_id": lms.user()}
    refused(lms.post(f"/courses/{course_id}/enrollments", learner), 409, "draft")
    lms.post(f"/courses/{course_id}/archive")
    refused(lms.post(f"/courses/{course_id}/enrollments", learner), 409, "archived")
    assert "enrollment.created" not in lms.types()


def test_nobody_is_in_a_course_twice_but_who_left_may_return(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    enrollment_id = lms.enrollment(course_id, learner)
    refused(lms.post(f"/courses/{course_id}/enrollments", {"user_id": learner}), 409, "already")
    assert lms.post(f"/enrollments/{enrollment_id}/drop").json()["status"] == "dropped"
    assert lms.post(f"/enrollments/{enrollment_id}/drop").status_code == 200
    assert lms.enrollment(course_id, learner) != enrollment_id
    assert lms.types()[-3:] == ["enrollment.created", "enrollment.dropped", "enrollment.created"]


def test_only_enrolled_learners_study_and_hand_in(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path = f"/courses/{course_id}/items/{lms.item(course_id)}/events"
    view = {"event_type": "content.viewed", "user_id": learner}
    work = f"/assessments/{lms.assessment(course_id)}/submissions"
    refused(lms.post(path, view), 409, "not enrolled")
    refused(lms.post(work, {"user_id": learner}), 409, "not enrolled")
    enrollment_id = lms.enrollment(course_id, learner)
    lms.post(f"/enrollments/{enrollment_id}/drop", {"occurred_at": "2026-03-01T10:00:00Z"})
    refused(lms.post(path, view), 409, "has left")
    refused(lms.post(work, {"user_id": learner}), 409, "has left")


def test_what_was_done_offline_before_leaving_still_counts(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    item_id = lms.item(course_id)
    enrollment_id = lms.enrollment(course_id, learner)
    lms.post(f"/enrollments/{enrollment_id}/drop", {"occurred_at": "2026-03-01T10:00:00Z"})
    body = {
        "event_type": "content.completed",
        "user_id": learner,
        "occurred_at": "2026-03-01T09:59:59Z",
    }
    lms.made(f"/courses/{course_id}/items/{item_id}/events", body)
    [enrollment] = lms.get(f"/users/{learner}/enrollments").json()["items"]
    assert enrollment["status"] == "dropped"


def test_a_completed_course_is_neither_left_nor_completed_again(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path = f"/courses/{course_id}/items/{lms.item(course_id)}/events"
    enrollment_id = lms.enrollment(course_id, learner)
    for _ in range(2):
        lms.made(path, {"event_type": "content.completed", "user_id": learner})
    refused(lms.post(f"/enrollments/{enrollment_id}/drop"), 409, "completed")
    assert lms.types().count("content.completed") == 2
    assert lms.types().count("course.completed") == 1


def test_nothing_happened_more_than_five_minutes_from_now(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path = f"/courses/{course_id}/items/{lms.item(course_id)}/events"
    lms.enrollment(course_id, learner)

    def view(ahead: timedelta) -> Any:
        at = (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"event_type": "content.viewed", "user_id": learner, "occurred_at": at}
        return lms.post(path, body)

    refused(view(timedelta(minutes=6)), 422, "future")
    assert view(timedelta(minutes=4)).status_code == 201


def test_an_item_is_reached_through_its_own_course_only(lms: Any) -> None:
    learner, course_id, other = lms.user(), lms.course(), lms.course()
    lms.enrollment(course_id, learner)
    body = {"event_type": "content.viewed", "user_id": learner}
    refused(lms.post(f"/courses/{course_id}/items/{lms.item(other)}/events", body), 404, "no item")


def test_an_archived_course_is_closed(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path = f"/courses/{course_id}/items/{lms.item(course_id)}/events"
    lms.enrollment(course_id, learner)
    lms.post(f"/courses/{course_id}/archive")
    refused(lms.post(path, {"event_type": "content.viewed", "user_id": learner}), 409, "archived")
    new = {"kind": "page", "title": "B"}
    refused(lms.post(f"/courses/{course_id}/items", new), 409, "archived")
    anything = {"If-Match": "*"}
    change = lms.call("PATCH", f"/courses/{course_id}", json={"title": "B"}, headers=anything)
    refused(change, 409, "archived")


@pytest.mark.parametrize("score", [-0.5, 100.5, "90", None, True])
def test_a_score_is_a_number_from_0_to_100(lms: Any, score: Any) -> None:
    response = lms.post(f"/submissions/{new_id()}/grade", {"score": score})
    refused(response, 422, "score")


def test_students_do_not_grade_and_the_same_grade_is_told_once(lms: Any) -> None:
    course_id, learner, teacher = lms.course(), lms.user(), lms.user("instructor")
    assessment_id = lms.assessment(course_id)
    lms.enrollment(course_id, learner)
    submission = lms.made(f"/assessments/{assessment_id}/submissions", {"user_id": learner})
    path = f"/submissions/{submission['id']}/grade"
    refused(lms.post(path, {"score": 100, "graded_by": learner}), 422, "student")
    for score in (70, 70, 75.5):
        assert lms.post(path, {"score": score, "graded_by": teacher}).json()["score"] == score
    graded = [e for e in lms.events() if e["event_type"] == "assessment.graded"]
    assert [event["payload"]["score"] for event in graded] == [70.0, 75.5]


def test_one_institution_does_not_see_another(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    enrollment_id = lms.enrollment(course_id, learner)
    elsewhere = lms.elsewhere()
    for path in (f"/users/{learner}", f"/courses/{course_id}", f"/courses/{course_id}/items"):
        assert elsewhere.get(path).status_code == 404
    drop = f"/enrollments/{enrollment_id}/drop"
    assert elsewhere.post(drop).status_code == 404
    assert elsewhere.get("/courses").json()["items"] == []


def test_when_the_event_cannot_be_written_the_change_is_not_made_either(
    lms: Any, database: Any
) -> None:
    """State and event are one transaction: a trigger that refuses this event undoes both."""
    course_id = lms.course(published=False)
    lms.item(course_id)
    name = f"refuse_{new_id().replace('-', '')}"
    database.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'no room'; END$$"
    )
    database.execute(
        f"CREATE TRIGGER {name} BEFORE INSERT ON outbox FOR EACH ROW "
        f"WHEN (NEW.key = '{course_id}') EXECUTE FUNCTION {name}()"
    )
    before = lms.types()
    try:
        assert lms.post(f"/courses/{course_id}/publish").status_code == 500
    finally:
        database.execute(f"DROP TRIGGER {name} ON outbox")
        database.execute(f"DROP FUNCTION {name}")
    assert lms.get(f"/courses/{course_id}").json()["status"] == "draft"
    assert lms.types() == before


def test_when_the_change_fails_the_event_is_not_written_either(lms: Any) -> None:
    taken = lms.user()
    before = lms.types()
    body = {"email": f"{new_id()}@example.org", "name": "Sam"}
    refused(lms.post("/users", body, key=taken), 409, "this id")
    assert lms.types() == before
