"""Learners and what they did: whom a caller sees of them, and what the audit log says of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core_lms.analytics.test_analytics import School, own_panels, school
from tests.core_lms.audit.test_audit import queued

pytestmark = pytest.mark.integration
__all__ = ["own_panels", "school"]


def listed(who: Any) -> set[str]:
    answer = who.get("/analytics/learners")
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["items"]}


def deeds(who: Any, learner: str) -> list[str]:
    answer = who.get(f"/users/{learner}/activity")
    assert answer.status_code == 200, answer.text
    return [deed["course_id"] for deed in answer.json()["activity"]]


def test_administrators_list_everybody_here_and_nobody_elsewhere(school: School) -> None:
    admin = school.lms.person(school.lms.user("admin"), "admin@institution")
    assert listed(admin) == set(school.learners)
    assert listed(school.lms.elsewhere()) == set()
    one = admin.get("/analytics/learners").json()["items"][0]
    assert (one["name"], one["invented"], one["events"]) == ("Sam Doe", False, 2)


def test_a_teacher_lists_who_is_in_their_course_now(school: School) -> None:
    ana, bea = school.learners
    school.lms.enrollment(school.courses[0], ana)
    left = school.lms.enrollment(school.courses[0], bea)
    teacher = school.lms.person(school.teachers[0], "instructor@institution")
    assert listed(teacher) == {ana, bea}
    dropped = school.lms.post(f"/enrollments/{left}/drop")
    assert dropped.is_success, dropped.text
    assert listed(teacher) == {ana}
    assert teacher.get(f"/users/{bea}/activity").status_code == 403


def test_a_learner_lists_themselves_and_a_guardian_their_child(school: School) -> None:
    ana, bea = school.learners
    parent = school.lms.user()
    school.lms.database.execute(
        "INSERT INTO guardians (guardian_id, learner_id, verified_at, institution_id) "
        "VALUES (%s, %s, now(), %s)",
        [parent, ana, school.lms.institution_id],
    )
    assert listed(school.lms.person(ana)) == {ana}
    assert listed(school.lms.person(parent)) == {parent, ana}
    assert sorted(deeds(school.lms.person(parent), ana)) == sorted(school.courses)
    assert school.lms.person(parent).get(f"/users/{bea}/activity").status_code == 403
    assert school.lms.person(bea).get(f"/users/{ana}/activity").status_code == 403


def test_a_teacher_sees_what_was_done_in_their_own_courses(school: School) -> None:
    ana = school.learners[0]
    for course in school.courses:
        school.lms.enrollment(course, ana)
    for teacher, course in zip(school.teachers, school.courses, strict=True):
        who = school.lms.person(teacher, "instructor@institution")
        assert deeds(who, ana) == [course]
    assert sorted(deeds(school.lms.person(ana), ana)) == sorted(school.courses)


def test_courses_are_called_by_their_titles(school: School) -> None:
    ana = school.learners[0]
    answer = school.lms.person(ana).get(f"/users/{ana}/activity").json()
    titles = {id_: known["title"] for id_, known in answer["names"].items()}
    assert titles == dict.fromkeys(school.courses, "Statistics")
    names = school.ask(school.lms, "buckets").json()["names"]
    assert set(names) == set(school.courses)


def test_every_look_at_somebody_else_is_in_the_audit_log(school: School) -> None:
    ana, bea = school.learners
    boss = school.lms.user("admin")
    admin, before = school.lms.person(boss, "admin@institution"), queued(school.lms)
    deeds(admin, ana)
    listed(admin)
    deeds(school.lms.person(ana), ana)
    new = [row for row in queued(school.lms) if row not in before]
    assert sorted((row[0], row[1], row[3]) for row in new) == [
        (f"user/{boss}", "activity.list", [ana]),
        (f"user/{boss}", "learner.list", sorted([ana, bea])),
    ]


def test_who_withdrew_consent_to_analytics_is_shown_to_themselves_only(school: School) -> None:
    ana, bea = school.learners
    withdrawn = school.lms.call("PUT", f"/users/{ana}/consents/analytics", json={"given": False})
    assert withdrawn.is_success, withdrawn.text
    admin = school.lms.person(school.lms.user("admin"), "admin@institution")
    assert listed(admin) == {bea}
    answer = admin.get(f"/users/{ana}/activity").json()
    assert (answer["withheld"], answer["activity"]) == (True, [])
    assert len(deeds(school.lms.person(ana), ana)) == 2
    assert listed(school.lms.person(ana)) == {ana}


def test_one_s_scope_is_the_widest_that_one_has(school: School) -> None:
    def scope(who: Any) -> str:
        return str(who.get("/analytics/scope").json()["scope"])

    admin = school.lms.person(school.lms.user("admin"), "admin@institution")
    teacher = school.lms.person(school.teachers[0], "instructor@institution")
    found = [scope(who) for who in (admin, teacher, school.lms.person(school.learners[0]))]
    assert found == ["institution", "courses", "self"]
