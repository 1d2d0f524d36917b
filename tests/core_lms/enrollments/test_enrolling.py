"""Prerequisites, ends, cohorts and returning, when somebody enrolls."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.integration


def complete(lms: Any, course_id: str, user_id: str, item_id: str) -> None:
    body = {"event_type": "content.completed", "user_id": user_id}
    lms.made(f"/courses/{course_id}/items/{item_id}/events", body)


def require(lms: Any, course_id: str, *before: str) -> Any:
    body, version = {"course_ids": list(before)}, {"If-Match": "*"}
    return lms.call("PUT", f"/courses/{course_id}/prerequisites", json=body, headers=version)


def test_what_a_course_requires_must_be_completed_first(lms: Any) -> None:
    basics, advanced = lms.course(), lms.course()
    item = lms.item(basics, "page")
    assert require(lms, advanced, basics).status_code == 200
    learner = lms.user()
    lms.enrollment(basics, learner)
    refused = lms.post(f"/courses/{advanced}/enrollments", {"user_id": learner})
    assert refused.status_code == 409
    assert basics in refused.json()["detail"]
    complete(lms, basics, learner, item)
    lms.enrollment(advanced, learner)


def test_nobody_enrolls_after_the_end(lms: Any) -> None:
    course_id = lms.course()
    dates = {"starts_at": "2014-01-01T00:00:00Z", "ends_at": "2014-06-01T00:00:00Z"}
    changed = lms.call("PATCH", f"/courses/{course_id}", json=dates, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text
    late = lms.post(f"/courses/{course_id}/enrollments", {"user_id": lms.user()})
    assert (late.status_code, "ended" in late.json()["detail"]) == (409, True)
    in_time = {"user_id": lms.user(), "occurred_at": "2014-05-31T23:59:59Z"}
    lms.made(f"/courses/{course_id}/enrollments", in_time)


def test_what_was_done_before_leaving_counts_when_one_returns(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    first = lms.item(course_id, "page")
    lms.item(course_id, "page")
    enrollment_id = lms.enrollment(course_id, learner)
    complete(lms, course_id, learner, first)
    lms.post(f"/enrollments/{enrollment_id}/drop")
    returned = lms.made(f"/courses/{course_id}/enrollments", {"user_id": learner})
    assert (returned["status"], returned["progress"]) == ("enrolled", 50.0)
    assert lms.types()[-2:] == ["enrollment.created", "enrollment.progressed"]


def test_an_archived_item_no_longer_counts(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    done, other, away = (lms.item(course_id, "page") for _ in range(3))
    enrollment_id = lms.enrollment(course_id, learner)
    lms.call("DELETE", f"/courses/{course_id}/items/{away}")
    complete(lms, course_id, learner, done)
    assert lms.get(f"/enrollments/{enrollment_id}").json()["progress"] == 50.0
    complete(lms, course_id, learner, other)
    assert lms.get(f"/enrollments/{enrollment_id}").json()["status"] == "completed"


def test_a_cohort_can_be_joined_on_enrolling_and_is_left_with_the_course(lms: Any) -> None:
    course_id, other, learner = lms.course(), lms.course(), lms.user()
    cohort = lms.made(f"/courses/{course_id}/cohorts", {"name": "Evening"})["id"]
    wrong = lms.post(f"/courses/{other}/enrollments", {"user_id": learner, "cohort_id": cohort})
    assert wrong.status_code == 422
    body = {"user_id": learner, "cohort_id": cohort}
    enrollment = lms.made(f"/courses/{course_id}/enrollments", body)
    members = f"/cohorts/{cohort}/members"
    assert [row["user_id"] for row in lms.get(members).json()["items"]] == [learner]
    lms.post(f"/enrollments/{enrollment['id']}/drop")
    assert lms.get(members).json()["items"] == []
    assert lms.types()[-4:] == [
        "enrollment.created",
        "cohort.joined",
        "enrollment.dropped",
        "cohort.left",
    ]


def test_a_cohort_is_kept_while_one_waits_and_joined_with_the_seat(lms: Any) -> None:
    body = {"title": "Pottery", "instructor_id": lms.user("instructor"), "capacity": 1}
    course_id = str(lms.made("/courses", body)["id"])
    lms.item(course_id, "page")
    lms.post(f"/courses/{course_id}/publish")
    cohort = lms.made(f"/courses/{course_id}/cohorts", {"name": "Evening"})["id"]
    seated, learner = lms.enrollment(course_id, lms.user()), lms.user()
    wish = {"user_id": learner, "cohort_id": cohort}
    assert lms.post(f"/courses/{course_id}/enrollments", wish).status_code == 202
    assert lms.get(f"/cohorts/{cohort}/members").json()["items"] == []
    lms.post(f"/enrollments/{seated}/drop")
    [member] = lms.get(f"/cohorts/{cohort}/members").json()["items"]
    assert member["user_id"] == learner
