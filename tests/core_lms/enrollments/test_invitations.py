"""Teachers invite; only who accepts is seen by them, and only in their courses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


@dataclass
class Bait:
    """A teacher's course, and somebody who is in a course of somebody else's."""

    lms: Any
    teacher: Any
    course: str
    person: str
    theirs: str
    enrollment: str

    def invite(self, **more: Any) -> Any:
        body = {"user_id": self.person, **more}
        return self.teacher.post(f"/courses/{self.course}/invitations", body)


def course_of(lms: Any, teacher: str, **more: Any) -> str:
    course = lms.made("/courses", {"title": "Bait", "instructor_id": teacher, **more})["id"]
    lms.item(course, "page", title="Welcome", required=False)
    assert lms.post(f"/courses/{course}/publish").status_code == 200
    return str(course)


@pytest.fixture
def bait(lms: Any) -> Bait:
    teacher, person, theirs = lms.user("instructor"), lms.user(), lms.course()
    return Bait(
        lms,
        lms.person(teacher, "instructor@institution"),
        course_of(lms, teacher),
        person,
        theirs,
        lms.enrollment(theirs, person),
    )


def test_a_teacher_who_enrolls_a_stranger_in_a_bait_course_learns_nothing(bait: Bait) -> None:
    """Before: 201, and then their name, their address and all their enrollments."""
    path = f"/courses/{bait.course}/enrollments"
    refused = bait.teacher.post(path, {"user_id": bait.person})
    assert refused.status_code == 403
    assert bait.invite().status_code == 201
    for what in ("", "/enrollments", "/completed-items", "/course-invitations"):
        assert bait.teacher.get(f"/users/{bait.person}{what}").status_code == 403, what
    people = bait.teacher.get(f"/courses/{bait.course}/people").json()["items"]
    assert bait.person not in {row["user_id"] for row in people}
    assert bait.lms.types().count("enrollment.created") == 1, "in the other course"


def test_who_accepts_is_enrolled_and_seen_within_the_teacher_s_courses_only(bait: Bait) -> None:
    invitation = bait.invite().json()
    mira = bait.lms.person(bait.person)
    [asked] = mira.get(f"/users/{bait.person}/course-invitations").json()["items"]
    assert (asked["id"], asked["status"]) == (invitation["id"], "open")
    answer = mira.post(f"/invitations/{invitation['id']}/accept")
    assert answer.status_code == 201, answer.text
    assert answer.json()["id"] == invitation["id"]
    again = mira.post(f"/invitations/{invitation['id']}/accept")
    assert (again.status_code, again.json()["id"]) == (200, invitation["id"])
    assert mira.get(f"/invitations/{invitation['id']}").json()["status"] == "accepted"

    item = bait.lms.item(bait.theirs, "page")
    done = {"event_type": "content.completed", "user_id": bait.person}
    bait.lms.made(f"/courses/{bait.theirs}/items/{item}/events", done)
    assert bait.teacher.get(f"/users/{bait.person}").status_code == 200
    seen = bait.teacher.get(f"/users/{bait.person}/enrollments").json()["items"]
    assert [row["course_id"] for row in seen] == [bait.course]
    assert bait.teacher.get(f"/users/{bait.person}/completed-items").json()["items"] == []
    own = mira.get(f"/users/{bait.person}/enrollments").json()["items"]
    assert {row["course_id"] for row in own} == {bait.course, bait.theirs}
    assert len(mira.get(f"/users/{bait.person}/completed-items").json()["items"]) == 1
    assert len(bait.lms.get(f"/users/{bait.person}/enrollments").json()["items"]) == 2
    assert bait.lms.types().count("enrollment.invited") == 1


def test_who_left_is_not_put_back(bait: Bait) -> None:
    mine = bait.lms.enrollment(bait.course, bait.person)
    mira = bait.lms.person(bait.person)
    assert mira.post(f"/enrollments/{mine}/drop").status_code == 200
    path = f"/courses/{bait.course}/enrollments"
    assert bait.teacher.post(path, {"user_id": bait.person}).status_code == 403
    invitation = bait.invite().json()["id"]
    assert bait.teacher.post(f"/invitations/{invitation}/accept").status_code == 403
    assert bait.teacher.get(f"/users/{bait.person}").status_code == 403
    assert mira.post(f"/invitations/{invitation}/accept").json()["status"] == "enrolled"


def test_no_is_no(bait: Bait) -> None:
    invitation = bait.invite().json()["id"]
    mira = bait.lms.person(bait.person)
    for _ in range(2):
        assert mira.post(f"/invitations/{invitation}/decline").json()["status"] == "declined"
    assert mira.post(f"/invitations/{invitation}/accept").status_code == 409
    again = bait.invite()
    assert (again.status_code, "declined" in again.json()["detail"]) == (409, True)
    assert bait.lms.types().count("enrollment.invitation.declined") == 1
    [row] = bait.teacher.get(f"/courses/{bait.course}/invitations").json()["items"]
    assert row["status"] == "declined"


def test_an_invitation_is_open_once_and_taken_back_before_it_is_answered(bait: Bait) -> None:
    first = bait.invite()
    assert bait.invite().status_code == 409
    path = f"/invitations/{first.json()['id']}"
    for _ in range(2):
        assert bait.teacher.call("DELETE", path).status_code == 204
    assert bait.lms.person(bait.person).post(f"{path}/accept").status_code == 409
    assert bait.lms.types().count("enrollment.invitation.withdrawn") == 1
    assert bait.invite().status_code == 201


def test_nobody_answers_for_somebody_else_not_even_an_administrator(bait: Bait) -> None:
    path = f"/invitations/{bait.invite().json()['id']}"
    admin = bait.lms.person(bait.lms.user("admin"), "admin@institution")
    for who in (admin, bait.teacher, bait.lms.person(bait.lms.user())):
        assert who.post(f"{path}/accept").status_code == 403
        assert who.post(f"{path}/decline").status_code == 403
    enrolled = admin.post(f"/courses/{bait.course}/enrollments", {"user_id": bait.person})
    assert enrolled.status_code == 201, "administrators enroll people, and it says so"
    accepted = bait.lms.person(bait.person).post(f"{path}/accept")
    assert (accepted.status_code, accepted.json()["id"]) == (200, enrolled.json()["id"])


@pytest.mark.parametrize("kind", ["unknown", "suspended"])
def test_an_invitation_does_not_tell_who_has_an_account(bait: Bait, kind: str) -> None:
    user_id = new_id()
    if kind == "suspended":
        user_id = bait.lms.user()
        bait.lms.call("PUT", f"/users/{user_id}/status", json={"status": "suspended"},
                      headers={"If-Match": "*"})  # fmt: skip
    answer = bait.teacher.post(f"/courses/{bait.course}/invitations", {"user_id": user_id})
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"user_id: there is nobody to invite under {user_id}"


def test_accepting_asks_all_that_enrolling_asks(lms: Any, bait: Bait) -> None:
    teacher = lms.user("instructor")
    full = course_of(lms, teacher, capacity=1)
    lms.enrollment(full, lms.user())
    group = lms.made(f"/courses/{full}/cohorts", {"name": "Evening"})["id"]
    who = lms.person(teacher, "instructor@institution")
    body = {"user_id": bait.person, "cohort_id": group}
    invitation = who.made(f"/courses/{full}/invitations", body)["id"]
    mira = lms.person(bait.person)
    waits = mira.post(f"/invitations/{invitation}/accept")
    assert (waits.status_code, waits.json()["id"], waits.json()["position"]) == (202, invitation, 1)
    assert waits.json()["cohort_id"] == group
    priced = course_of(lms, teacher)
    lms.made(f"/courses/{priced}/prices", {"currency": "EUR", "amount_minor": 100})
    dear = who.made(f"/courses/{priced}/invitations", {"user_id": bait.person})["id"]
    assert mira.post(f"/invitations/{dear}/accept").status_code == 402
    assert mira.get(f"/invitations/{dear}").json()["status"] == "open"
