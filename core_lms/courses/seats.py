"""Seats of a course with limited capacity, and who gets the next one.

Whoever counts seats first takes the course's seat lock and keeps it until the commit, so seats are
given one by one and a count is never stale. Courses without a capacity never touch the lock.
A seat is taken by everybody who has not dropped: completing a course does not free one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from contracts.events.courses import CohortJoined, CohortLeft
from contracts.events.enrollments import EnrollmentCreated
from core_lms.courses.schemas import Member
from core_lms.unit import Unit, found
from stack.queries import load

SOURCE = "enrollment-service"
COURSES = "course-service"
LOCK = 0x4C4D5306
"""First half of the advisory lock on a course's seats; the second is the course's hash."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Of a course with limited capacity, and whether a learner is in it or in its queue."""

    capacity: int
    taken: int
    queue: int
    """How many wait."""
    waiting: bool
    enrolled: bool


@dataclass(frozen=True, slots=True)
class Seated:
    """Whoever moved up from the queue: ``id`` is the enrollment's."""

    id: UUID
    user_id: UUID
    cohort_id: UUID | None


_sql = load(__file__, "seats.sql", seated=Seated, member=Member)


async def lock(unit: Unit, course_id: object) -> None:
    """Be the only one who gives seats of the course, until we commit."""
    await unit.execute(_sql["lock"], lock_class=LOCK, course_id=str(course_id))


async def state(unit: Unit, course_id: object, user_id: object) -> Seats:
    """As they are under the lock."""
    row = await unit.one(Seats, _sql["state"], course_id=course_id, user_id=user_id)
    return found(row, f"there is no course {course_id}")


async def free(unit: Unit, course_id: UUID) -> None:
    """Somebody left a course whose seats are counted: the next ones move up."""
    await lock(unit, course_id)
    await fill(unit, course_id, await unit.value(_sql["capacity"], course_id=course_id))


async def fill(unit: Unit, course_id: UUID, capacity: int | None) -> None:
    """Give the free seats to whoever waits, in the order of coming.

    Takes the lock. Emits ``enrollment.created`` for each. Who is not active keeps waiting.
    """
    await lock(unit, course_id)
    at = datetime.now(UTC)
    which = {"course_id": course_id, "capacity": capacity, "at": at}
    for row in await unit.all(Seated, _sql["fill"], **which):
        ids = {"user_id": str(row.user_id), "course_id": str(course_id)}
        event = EnrollmentCreated(enrollment_id=str(row.id), **ids)
        unit.emit(event, source=SOURCE, at=at)
        if row.cohort_id is not None:
            await join(unit, row.cohort_id, course_id, row.user_id, at)


async def join(
    unit: Unit, cohort_id: object, course_id: object, user_id: object, at: datetime
) -> Member:
    """The learner is in this cohort of the course and in no other; emits what is new in that."""
    who = {"course_id": course_id, "user_id": user_id}
    before = await unit.one(Member, _sql["member_of"], **who)
    if before is not None and str(before.cohort_id) == str(cohort_id):
        return before
    ids = {name: str(id_) for name, id_ in who.items()}
    if before is not None:
        left = CohortLeft(cohort_id=str(before.cohort_id), **ids)
        unit.emit(left, source=COURSES, at=at)
    row = await unit.one(Member, _sql["join"], cohort_id=cohort_id, at=at, **who)
    unit.emit(CohortJoined(cohort_id=str(cohort_id), **ids), source=COURSES, at=at)
    return found(row, f"there is no cohort {cohort_id}")


async def leave(unit: Unit, course_id: object, user_id: object, at: datetime) -> None:
    """The learner is in no cohort of the course any more."""
    who = {"course_id": str(course_id), "user_id": str(user_id)}
    cohort_id = await unit.value(_sql["leave"], **who)
    if cohort_id is not None:
        unit.emit(CohortLeft(cohort_id=str(cohort_id), **who), source=COURSES, at=at)
