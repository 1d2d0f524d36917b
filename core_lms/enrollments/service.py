"""A learner in a course: enrolling, progress, completing, leaving."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import UniqueViolation

from contracts.errors import Rejected
from contracts.events.enrollments import (
    CourseCompleted,
    EnrollmentCreated,
    EnrollmentDropped,
    EnrollmentProgressed,
    EnrollmentWaitlisted,
    WaitlistLeft,
)
from core_lms import pages
from core_lms.courses import cohorts, seats
from core_lms.courses import service as courses
from core_lms.courses.describing import SOURCE as COURSES
from core_lms.enrollments import repository
from core_lms.enrollments.repository import SQL, Entry, LockedEnrollment
from core_lms.enrollments.schemas import (
    Enrollment,
    Invitation,
    Leaving,
    NewEnrollment,
    WaitlistEntry,
)
from core_lms.idempotency import Creation, begun, creation
from core_lms.moments import moment_of_import
from core_lms.unit import Unit, found
from core_lms.units import Units
from core_lms.users import service as users
from gateway.decision import Right
from gateway.errors import Conflict, PaymentRequired
from gateway.pages import Window
from stack.roundtrip import Found

SOURCE = "enrollment-service"
LIST_ALL = Right("enrollment.list-all")
"""To list somebody's enrollments in other courses than those one teaches."""


def enrolling(asker: Units | Unit, course_id: UUID, new: NewEnrollment) -> Creation:
    """What ``enroll`` has to ask first."""
    who = {"user_id": new.user_id, "course_id": course_id}
    return creation(asker, "enrollment", new, course_id, query=SQL["entry"], **who)


async def enroll(
    unit: Unit, course_id: UUID, new: NewEnrollment, asked: Creation | None = None
) -> Enrollment | WaitlistEntry:
    """The enrollment; in a full course a place in the queue.

    A unit that began with what is ``asked`` writes the enrollment when it ends.

    That has the ``status`` ``waitlisted`` and a ``position``; its id becomes the enrollment's once
    a seat is free. Raises ``Conflict`` where the course is not published or has ended, the learner
    is in it or waits already, or has not completed what it requires, and ``PaymentRequired`` where
    it costs something that was not paid.
    """
    first = asked or enrolling(unit, course_id, new)
    id_ = first.id
    facts = await begun(unit, first)
    if unit.repeated:
        return await made(unit, id_)
    at = moment_of_import(unit, new.occurred_at)
    entry = Entry(**found(facts, f"there is no course {course_id}"))
    _open(entry, course_id, new.user_id, at)
    if entry.priced:
        await _refuse_unpaid(unit, new.user_id, course_id)
    if new.cohort_id is not None:
        await cohorts.joinable(unit, new.cohort_id, course_id, at)
    if entry.capacity is not None:
        waiting = await _in_line(unit, id_, course_id, new, at)
        if waiting is not None:
            return waiting
    row = _new(unit, id_, course_id, new, at)
    values = row.model_dump(include={"id", "user_id", "course_id", "institution_id", "created_at"})
    already = _already(new.user_id, course_id)
    clash = unit.conflicts(f"there is an enrollment {id_}", enrollments_once=already)
    if asked is not None and new.cohort_id is None and not entry.returning:
        unit.write_at_commit(SQL["insert"], values)
    else:
        try:
            await unit.execute(SQL["insert"], **values)
        except UniqueViolation as error:  # an order that is paid goes on where this is refused
            raise clash(error) from None
    unit.emit(EnrollmentCreated(**ids(row)), source=SOURCE, at=at)
    if new.cohort_id is not None:
        await seats.join(unit, new.cohort_id, course_id, new.user_id, at)
    if entry.returning:
        row = await work_done(unit, row, at)  # what was done before leaving counts
    return row


def _new(unit: Unit, id_: str, course_id: UUID, new: NewEnrollment, at: datetime) -> Enrollment:
    return Enrollment(
        id=UUID(id_),
        institution_id=UUID(unit.institution_id),
        user_id=UUID(new.user_id),
        course_id=course_id,
        progress=0.0,
        status="enrolled",
        created_at=at.astimezone(UTC),
        completed_at=None,
        dropped_at=None,
    )


async def made(unit: Unit, id_: object) -> Enrollment | WaitlistEntry:
    """What a request made that was repeated: it may wait, or have been seated since."""
    row = await repository.read(unit, id_)
    if row is not None:
        return row
    return found(await repository.waiting(unit, id=id_), f"there is no enrollment {id_}")


def _open(entry: Entry, course_id: UUID, user_id: str, at: datetime) -> None:
    """Raises for whatever keeps the learner from enrolling, but the number of seats."""
    if entry.status != "published":
        raise Conflict(f"course {course_id} is {entry.status}, not published")
    if entry.ends_at is not None and at >= entry.ends_at:
        raise Conflict(f"course {course_id} has ended")
    if entry.user_status is None:
        raise Rejected(f"user_id: there is no user {user_id}")
    if entry.user_status != "active":
        raise Conflict(f"user_id: user {user_id} is {entry.user_status}")
    if entry.missing:
        raise Conflict(
            f"course {course_id} requires courses that user {user_id} has not completed: "
            + ", ".join(entry.missing),
            missing=entry.missing,
        )


async def _refuse_unpaid(unit: Unit, user_id: str, course_id: UUID) -> None:
    """Raises ``PaymentRequired``, naming the way to pay."""
    if await unit.value(SQL["paid"], user_id=user_id, course_id=course_id) is None:
        raise PaymentRequired(
            f"course {course_id} costs something: POST /api/v1/orders with user_id {user_id} and "
            "this course_id, then pay the order"
        )


async def _in_line(
    unit: Unit, id_: str, course_id: UUID, new: NewEnrollment, at: datetime
) -> WaitlistEntry | None:
    """None where a seat is free and stays so until we commit; else the new place in the queue."""
    await seats.lock(unit, course_id)
    now = await seats.state(unit, course_id, new.user_id)
    if now.enrolled:
        raise Conflict(_already(new.user_id, course_id))
    if now.waiting:
        raise Conflict(f"user {new.user_id} waits for a seat in course {course_id} already")
    if now.taken < now.capacity:
        return None
    who = {"user_id": new.user_id, "course_id": course_id, "cohort_id": new.cohort_id}
    place = {"position": now.queue + 1, "created_at": at}
    try:
        row = await unit.need(WaitlistEntry, SQL["wait"], "waitlist", id=id_, **who, **place)
    except UniqueViolation:
        raise Conflict(f"there is a waitlist entry {id_}") from None
    unit.emit(EnrollmentWaitlisted(**ids(row)), source=SOURCE, at=at)
    return row


def _already(user_id: str, course_id: UUID) -> str:
    return f"user {user_id} is in course {course_id} already"


async def get(unit: Unit, id_: UUID) -> Enrollment:
    """Raises ``NotFound``."""
    return await unit.need(Enrollment, SQL["get"], f"enrollment {id_}", id=id_)


async def drop(unit: Unit, id_: UUID, leaving: Leaving) -> Enrollment:
    """Leave the course; who left already stays as they are. A completed course is not left.

    The seat goes at once to whoever waits longest.
    """
    what = f"enrollment {id_}"
    row = await unit.need(LockedEnrollment, SQL["lock"], what, id=id_)
    if row.status == "dropped":
        return row
    if row.status == "completed":
        raise Conflict(f"{what} is completed")
    at = moment_of_import(unit, leaving.occurred_at)
    unit.emit(EnrollmentDropped(**ids(row)), source=SOURCE, at=at)
    dropped = await unit.need(Enrollment, SQL["drop"], what, id=id_, at=at)
    await seats.leave(unit, row.course_id, row.user_id, at)
    if row.capacity is not None:
        await seats.free(unit, row.course_id)
    return dropped


async def waiting(unit: Unit, course_id: UUID, user_id: UUID) -> WaitlistEntry:
    """A learner's place in the queue of a course; raises ``NotFound`` for who does not wait."""
    row = await repository.waiting(unit, course_id=course_id, user_id=user_id)
    return found(row, _not_waiting(course_id, user_id))


def _not_waiting(course_id: object, user_id: object) -> str:
    return f"user {user_id} does not wait for a seat in course {course_id}"


async def queue(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """Who waits for a seat in a course, the next one first."""
    query = SQL["queue"]
    return await pages.read(
        unit, WaitlistEntry, query, window, first="position", of=int, course_id=course_id
    )


async def stop_waiting(unit: Unit, course_id: UUID, user_id: UUID) -> None:
    """Leave the queue; raises ``NotFound`` for who does not wait (any more)."""
    at = datetime.now(UTC)
    await seats.lock(unit, course_id)
    who = {"course_id": str(course_id), "user_id": str(user_id)}
    id_ = found(await unit.value(SQL["stop_waiting"], at=at, **who), _not_waiting(**who))
    unit.emit(WaitlistLeft(enrollment_id=str(id_), **who), source=SOURCE, at=at)


async def page(
    unit: Unit, of: Literal["user", "course"], id_: UUID, window: Window
) -> dict[str, Any]:
    """The enrollments of a user or course, oldest first; raises ``NotFound`` for an unknown one.

    A learner's teachers get those in their own courses.
    """
    await (users.get(unit, id_) if of == "user" else courses.get(unit, id_))
    which: dict[str, Any] = {f"{of}_id": id_}
    which["taught_by"] = None if of == "course" or unit.may(LIST_ALL) else unit.caller.user_id
    return await pages.read(unit, Enrollment, SQL[f"of_{of}"], window, **which)


async def studying(unit: Unit, user_id: str, course_id: UUID, at: datetime) -> Enrollment:
    """The locked enrollment under which a learner acted at ``at``.

    What was done before leaving counts, whenever it arrives. Raises ``Conflict`` for whoever was
    not enrolled then.
    """
    row = await repository.lock_of_learner(unit, user_id, course_id)
    return studied(row, user_id, course_id, at)


def studied(row: Enrollment | None, user_id: str, course_id: UUID, at: datetime) -> Enrollment:
    """The same for whoever has locked the row with ``repository.locking`` already."""
    if row is None:
        raise Conflict(f"user {user_id} is not enrolled in course {course_id}")
    if row.status == "dropped" and (row.dropped_at is None or at >= row.dropped_at):
        raise Conflict(f"user {user_id} has left course {course_id}")
    return row


async def recount(unit: Unit, user_id: str, course_id: UUID, at: datetime) -> None:
    """What a learner has done changed without the learner: a score that passes came or went."""
    row = await repository.lock_of_learner(unit, user_id, course_id)
    if row is not None:
        await work_done(unit, row, at)


async def work_done(
    unit: Unit, enrollment: Enrollment, at: datetime, counted: Found | None = None
) -> Enrollment:
    """Count anew what the locked enrollment's learner has done of the required work.

    ``counted`` answers ``repository.counting`` for whoever has asked already. Emits
    ``enrollment.progressed`` where the share changed, and ``course.completed`` where it became
    all. Completed stays completed, whatever a course requires later.
    """
    if enrollment.status != "enrolled":
        return enrollment
    who = {"user_id": enrollment.user_id, "course_id": enrollment.course_id}
    if counted is None:
        [counted] = await unit.ask(repository.counting(unit, **who))
    total, done = counted.rows[0]["total"], counted.rows[0]["done"]
    if total == 0:
        return enrollment
    # Cut, not rounded: 100 means all of it.
    progress, complete = Decimal(done * 10_000 // total) / 100, done == total
    moved = float(progress) != enrollment.progress
    if not moved and not complete:
        return enrollment
    changes = {"progress": progress, "complete": complete, "at": at}
    row = await unit.need(
        Enrollment, SQL["set_progress"], "enrollment", id=enrollment.id, **changes
    )
    named = ids(enrollment)
    if moved:
        event = EnrollmentProgressed(**named, progress=float(progress))
        unit.emit(event, source=SOURCE, at=at)
    if complete:
        completed = CourseCompleted(
            **named,
            completion_percentage=100.0,
            certification_issued=False,
            time_spent_minutes=await unit.value(SQL["time_spent"], **who),
        )
        unit.emit(completed, source=COURSES, at=at)
    return row


def ids(row: Enrollment | WaitlistEntry | Invitation) -> dict[str, Any]:
    """What events say of an enrollment, or of what may become one."""
    who = {"user_id": str(row.user_id), "course_id": str(row.course_id)}
    return {"enrollment_id": str(row.id), **who}
