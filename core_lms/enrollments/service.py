"""A learner in a course: enrolling, progress, completing, leaving."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.events.enrollments import (
    CourseCompleted,
    EnrollmentCreated,
    EnrollmentDropped,
    EnrollmentProgressed,
)
from core_lms import pages
from core_lms.courses import service as courses
from core_lms.enrollments import repository
from core_lms.enrollments.schemas import Leaving, NewEnrollment
from core_lms.errors import Conflict, NotFound
from core_lms.idempotency import claim
from core_lms.moments import moment
from core_lms.users import service as users
from core_lms.work import Unit

SOURCE = "enrollment-service"


async def enroll(unit: Unit, course_id: UUID, new: NewEnrollment) -> tuple[DictRow, bool]:
    """The enrollment and whether it is new.

    Raises ``Conflict`` where the course is not published or the learner is in it already.
    """
    id_, repeated = await claim(unit, "enrollment", new, course_id)
    if repeated:
        return _found(await repository.get(unit, id_), id_), False
    at = moment(new.occurred_at)
    await courses.open_to_learners(unit, course_id)
    await users.active(unit, new.user_id, "user_id")
    try:
        row = await repository.insert(unit, id_, new.user_id, course_id, at)
    except UniqueViolation as error:
        if error.diag.constraint_name == "enrollments_once":
            raise Conflict(f"user {new.user_id} is in course {course_id} already") from None
        raise Conflict(f"there is an enrollment {id_}") from None
    unit.emit(
        EnrollmentCreated(enrollment_id=id_, user_id=new.user_id, course_id=str(course_id)),
        source=SOURCE,
        at=at,
    )
    return _found(row, id_), True


async def drop(unit: Unit, id_: UUID, leaving: Leaving) -> DictRow:
    """Leave the course; who left already stays as they are. A completed course is not left."""
    row = _found(await repository.lock(unit, id_), id_)
    if row["status"] == "dropped":
        return row
    if row["status"] == "completed":
        raise Conflict(f"enrollment {id_} is completed")
    at = moment(leaving.occurred_at)
    unit.emit(EnrollmentDropped(**_ids(row)), source=SOURCE, at=at)
    return _found(await repository.drop(unit, id_, at), id_)


async def page(
    unit: Unit, of: Literal["user", "course"], id_: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """The enrollments of a user or course, oldest first; raises ``NotFound`` for an unknown one."""
    await (users.get(unit, id_) if of == "user" else courses.get(unit, id_))
    after = pages.decode(cursor, datetime)
    return pages.page(await repository.page(unit, of, id_, after, limit + 1), limit)


async def studying(unit: Unit, user_id: str, course_id: UUID, at: datetime) -> DictRow:
    """The locked enrollment under which a learner acted at ``at``.

    What was done before leaving counts, whenever it arrives. Raises ``Conflict`` for whoever was
    not enrolled then.
    """
    row = await repository.lock_of_learner(unit, user_id, course_id)
    if row is None:
        raise Conflict(f"user {user_id} is not enrolled in course {course_id}")
    if row["status"] == "dropped" and (row["dropped_at"] is None or at >= row["dropped_at"]):
        raise Conflict(f"user {user_id} has left course {course_id}")
    return row


async def work_done(unit: Unit, enrollment: DictRow, at: datetime) -> DictRow:
    """Count anew what the locked enrollment's learner has done of the required work.

    Emits ``enrollment.progressed`` where the share changed, and ``course.completed`` where it
    became all. Completed stays completed, whatever a course requires later.
    """
    if enrollment["status"] != "enrolled":
        return enrollment
    user_id, course_id = enrollment["user_id"], enrollment["course_id"]
    total, done = await repository.required_work(unit, user_id, course_id)
    if total == 0:
        return enrollment
    # Cut, not rounded: 100 means all of it.
    progress = Decimal(done * 10_000 // total) / 100
    complete = done == total
    if progress == enrollment["progress"] and not complete:
        return enrollment
    row = await repository.set_progress(unit, enrollment["id"], progress, complete, at)
    ids = _ids(enrollment)
    if progress != enrollment["progress"]:
        event = EnrollmentProgressed(**ids, progress=float(progress))
        unit.emit(event, source=SOURCE, at=at)
    if complete:
        unit.emit(
            CourseCompleted(
                **ids,
                completion_percentage=100.0,
                certification_issued=False,
                time_spent_minutes=await repository.time_spent_minutes(unit, user_id, course_id),
            ),
            source=courses.SOURCE,
            at=at,
        )
    return _found(row, enrollment["id"])


def _ids(row: DictRow) -> dict[str, Any]:
    return {
        "enrollment_id": str(row["id"]),
        "user_id": str(row["user_id"]),
        "course_id": str(row["course_id"]),
    }


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no enrollment {id_}")
    return row
