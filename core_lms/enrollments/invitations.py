"""Invitations: teachers ask somebody into a course, who becomes its learner by accepting.

A teacher sees of people what a course shows of its learners. So nobody is put into a course by its
teacher: until the invitation is accepted the teacher knows the id they brought, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.enrollments import EnrollmentInvited, InvitationDeclined, InvitationWithdrawn
from core_lms import pages
from core_lms.courses import cohorts
from core_lms.courses import service as courses
from core_lms.enrollments import repository, service
from core_lms.enrollments.schemas import (
    Enrollment,
    Invitation,
    NewEnrollment,
    NewInvitation,
    WaitlistEntry,
)
from core_lms.idempotency import Creation, claim
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import Conflict
from gateway.pages import Window
from stack.queries import load

_sql = load(__file__, "invitations.sql", invitation=Invitation)


@dataclass(frozen=True, slots=True)
class _Before:
    known: bool
    enrolled: bool
    declined: bool


async def invite(unit: Unit, course_id: UUID, new: NewInvitation) -> Invitation:
    """The invitation; emits ``enrollment.invited``.

    Raises ``Rejected`` where there is nobody to ask, whatever the reason, and ``Conflict`` where
    the course is not published, or they are in it, are asked already, or have said no.
    """
    id_ = await claim(unit, "invitation", new, course_id)
    if unit.repeated:
        return await get(unit, id_)
    await courses.open_to_learners(unit, course_id)
    at = datetime.now(UTC)
    if new.cohort_id is not None:
        await cohorts.joinable(unit, new.cohort_id, course_id, at)
    who = {"user_id": new.user_id, "course_id": course_id}
    before = await unit.need(_Before, _sql["before"], "course", **who)
    if not before.known:
        raise Rejected(f"user_id: there is nobody to invite under {new.user_id}")
    if before.enrolled:
        raise Conflict(f"user {new.user_id} is in course {course_id} already")
    if before.declined:
        raise Conflict(f"user {new.user_id} declined to join course {course_id}")
    values = {"cohort_id": new.cohort_id, "invited_by": unit.caller.user_id, "created_at": at}
    taken = f"there is an invitation {id_}"
    unit.conflicts(taken, invitations_once=f"user {new.user_id} is invited already")
    row = await _invitation(unit, "insert", id_, **who, **values)
    event = EnrollmentInvited(**service.ids(row), invited_by=unit.caller.user_id)
    unit.emit(event, source=service.SOURCE, at=at)
    return row


async def get(unit: Unit, id_: UUID | str) -> Invitation:
    """Raises ``NotFound``."""
    return await _invitation(unit, "get", id_)


async def page(
    unit: Unit, of: Literal["user", "course"], id_: UUID, window: Window
) -> dict[str, Any]:
    """The invitations of a person or into a course, oldest first; raises ``NotFound``."""
    await (users.get(unit, id_) if of == "user" else courses.get(unit, id_))
    which: dict[str, Any] = {f"{of}_id": id_}
    return await pages.read(unit, Invitation, _sql[f"of_{of}"], window, **which)


async def accept(unit: Unit, id_: UUID) -> Enrollment | WaitlistEntry:
    """The enrollment, or the place in the queue of a full course.

    Both have the invitation's id. Everything that enrolling asks holds here too.
    """
    row = await _invitation(unit, "lock", id_)
    user_id, course_id = str(row.user_id), row.course_id
    if row.status == "accepted":
        unit.repeated = True
        return await service.made(unit, id_)
    _still_open(row)
    already = await repository.lock_of_learner(unit, user_id, course_id)
    if already is not None and already.status != "dropped":
        await _answer(unit, row, "accepted")
        unit.repeated = True
        return already
    cohort_id = None if row.cohort_id is None else str(row.cohort_id)
    new = NewEnrollment(user_id=user_id, cohort_id=cohort_id)
    asked = service.enrolling(unit, course_id, new)
    enrolled = await service.enroll(
        unit, course_id, new, Creation(str(id_), None, asked.statements[-1:])
    )
    await _answer(unit, row, "accepted")
    return enrolled


async def decline(unit: Unit, id_: UUID) -> Invitation:
    """Say no, once and for all; emits ``enrollment.invitation.declined``."""
    row = await _invitation(unit, "lock", id_)
    if row.status == "declined":
        return row
    _still_open(row)
    unit.emit(InvitationDeclined(**service.ids(row)), source=service.SOURCE)
    return await _answer(unit, row, "declined")


async def withdraw(unit: Unit, id_: UUID) -> None:
    """Take it back; emits ``enrollment.invitation.withdrawn``."""
    row = await _invitation(unit, "lock", id_)
    if row.status == "withdrawn":
        return
    _still_open(row)
    unit.emit(InvitationWithdrawn(**service.ids(row)), source=service.SOURCE)
    await _answer(unit, row, "withdrawn")


async def _answer(unit: Unit, row: Invitation, status: str) -> Invitation:
    return await _invitation(unit, "answer", row.id, status=status, at=datetime.now(UTC))


async def _invitation(unit: Unit, name: str, id_: object, /, **values: Any) -> Invitation:
    return await unit.need(Invitation, _sql[name], f"invitation {id_}", id=id_, **values)


def _still_open(row: Invitation) -> None:
    if row.status != "open":
        raise Conflict(f"invitation {row.id} was {row.status}")
