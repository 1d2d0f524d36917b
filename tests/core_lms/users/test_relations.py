"""What one is to somebody, as our other processes ask it: strangers learn nothing of anybody."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def relations(asking: Any, user_id: str) -> tuple[set[str], set[str]]:
    body = asking.get(f"/users/{user_id}/relations")
    assert body.status_code == 200, body.text
    return set(body.json()["relations"]), set(body.json()["courses"])


def test_who_is_what_to_a_learner(lms: Any) -> None:
    ana, teacher, parent = lms.user(), lms.user("instructor"), lms.user()
    body = {"title": "Statistics", "instructor_id": teacher}
    course = str(lms.made("/courses", body)["id"])
    lms.item(course, "page")
    lms.post(f"/courses/{course}/publish")
    enrollment = lms.enrollment(course, ana)
    lms.database.execute(
        "INSERT INTO guardians (guardian_id, learner_id, verified_at, institution_id) "
        "VALUES (%s, %s, now(), %s), (%s, %s, NULL, %s)",
        [parent, ana, lms.institution_id, teacher, ana, lms.institution_id],
    )
    assert relations(lms.person(ana), ana) == ({"self"}, set())
    assert relations(lms.person(parent), ana) == ({"guardian"}, set())
    assert relations(lms.person(teacher, "instructor@institution"), ana) == (set(), {course})
    assert lms.post(f"/enrollments/{enrollment}/drop").status_code == 200
    assert relations(lms.person(teacher, "instructor@institution"), ana) == (set(), set())


def test_a_stranger_and_nobody_look_alike(lms: Any) -> None:
    stranger = lms.person(lms.user())
    same = {"X-Request-Id": "the-same-for-both"}
    known, unknown, elsewhere = (
        stranger.call("GET", f"/users/{user_id}/relations", headers=same)
        for user_id in (lms.user(), new_id(), lms.elsewhere().user())
    )
    assert known.status_code == 200
    for other in (unknown, elsewhere):
        assert (other.status_code, other.content) == (known.status_code, known.content)
        assert other.headers.keys() == known.headers.keys()


def test_what_a_teacher_asks_is_in_the_audit_log(lms: Any) -> None:
    ana, teacher = lms.user(), lms.user("instructor")
    relations(lms.person(teacher, "instructor@institution"), ana)
    [row] = lms.database.execute(
        "SELECT actor FROM audit_queue WHERE action = 'relation.read' AND about = ARRAY[%s::uuid]",
        [ana],
    ).fetchall()
    assert row[0] == f"user/{teacher}"
