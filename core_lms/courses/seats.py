"""Seats of a course with limited capacity, and who gets the next one.

Whoever counts seats first takes the course's seat lock and keeps it until the commit, so seats are
given one by one and a count is never stale. Courses without a capacity never touch the lock.
A seat is taken by everybody who has not dropped: completing a course does not free one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from contracts.events.courses import CohortJoined, CohortLeft
from contracts.events.enrollments import EnrollmentCreated
from core_lms.unit import Unit
from stack.queries import load

SOURCE = "enrollment-service"
COURSES = "course-service"
LOCK = 0x4C4D5306
"""First half of the advisory lock on a course's seats; the second is the course's hash."""

_sql = load(__file__, "seats.sql")


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def lock(unit: Unit, course_id: object) -> None:
    """Be the only one who gives seats of the course, until we commit."""
    await _one(unit, "lock", lock_class=LOCK, course_id=str(course_id))


async def state(unit: Unit, course_id: object, user_id: object) -> DictRow:
    """Under the lock: ``capacity``, ``taken`` seats, length of the ``queue``, and whether the
    learner is ``enrolled`` or ``waiting``.
    """
    row = await _one(unit, "state", course_id=course_id, user_id=user_id)
    assert row is not None, "the course is locked"
    return row


async def free(unit: Unit, course_id: UUID) -> list[DictRow]:
    """Somebody left a course whose seats are counted: the next ones move up."""
    await lock(unit, course_id)
    row = await _one(unit, "capacity", course_id=course_id)
    return await fill(unit, course_id, row["capacity"] if row else 0)


async def fill(unit: Unit, course_id: UUID, capacity: int | None) -> list[DictRow]:
    """Give the free seats to whoever waits, in the order of coming; returns the enrollments.

    Takes the lock. Emits ``enrollment.created`` for each. Who is not active keeps waiting.
    """
    await lock(unit, course_id)
    at = datetime.now(UTC)
    values = {
        "course_id": course_id,
        "capacity": capacity,
        "at": at,
        "institution_id": unit.institution_id,
    }
    await unit.cursor.execute(_sql["fill"], values)
    rows = await unit.cursor.fetchall()
    for row in rows:
        ids = {"user_id": str(row["user_id"]), "course_id": str(course_id)}
        event = EnrollmentCreated(enrollment_id=str(row["id"]), **ids)
        unit.emit(event, source=SOURCE, at=at)
        if row["cohort_id"] is not None:
            await join(unit, row["cohort_id"], course_id, row["user_id"], at)
    return rows


async def join(
    unit: Unit, cohort_id: object, course_id: object, user_id: object, at: datetime
) -> DictRow:
    """The learner is in this cohort of the course and in no other; emits it where that is new."""
    before = await _one(unit, "cohort_of", course_id=course_id, user_id=user_id)
    if before is not None and str(before["cohort_id"]) == str(cohort_id):
        return before
    ids = {"course_id": str(course_id), "user_id": str(user_id)}
    if before is not None:
        left = CohortLeft(cohort_id=str(before["cohort_id"]), **ids)
        unit.emit(left, source=COURSES, at=at)
    row = await _one(unit, "join", cohort_id=cohort_id, course_id=course_id, user_id=user_id, at=at)
    assert row is not None, "an upsert returns its row"
    unit.emit(CohortJoined(cohort_id=str(cohort_id), **ids), source=COURSES, at=at)
    return row


async def leave(unit: Unit, course_id: object, user_id: object, at: datetime) -> bool:
    """The learner is in no cohort of the course any more; whether they were."""
    row = await _one(unit, "leave", course_id=course_id, user_id=user_id)
    if row is None:
        return False
    left = CohortLeft(
        cohort_id=str(row["cohort_id"]), course_id=str(course_id), user_id=str(user_id)
    )
    unit.emit(left, source=COURSES, at=at)
    return True
