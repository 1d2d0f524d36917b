"""What single learners get beyond the others: time, attempts, later dates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.assessment.attempt_schemas import Accommodation, NewAccommodation
from core_lms.assessment.repository import SQL, RunningAttempt
from core_lms.assessment.schemas import Assessment
from core_lms.assessment.terms import Terms, terms
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import NotFound
from gateway.pages import Window


async def terms_of(unit: Unit, assessment: Assessment, user_id: object) -> Terms:
    """What holds for a learner at an assessment."""
    where = {"course_id": assessment.course_id, "assessment_id": assessment.id}
    granted = await unit.all(Accommodation, SQL["granted"], user_id=user_id, **where)
    return terms(assessment, granted)


async def grant(
    unit: Unit, course_id: UUID, assessment_id: UUID | None, new: NewAccommodation
) -> Accommodation:
    """What is granted now; open attempts get it at once.

    It replaces what was granted to the learner for the same before.
    """
    id_ = await claim(unit, "accommodation", new, course_id, assessment_id)
    await users.active(unit, new.user_id, "user_id")
    values = {"course_id": course_id, "assessment_id": assessment_id, **new.model_dump()}
    values["granted_by"] = unit.caller.user_id
    row = await unit.need(Accommodation, SQL["grant"], "accommodation", id=id_, **values)
    await _apply(unit, course_id, assessment_id, new.user_id)
    return row


async def withdraw(unit: Unit, course_id: UUID, assessment_id: UUID | None, user_id: UUID) -> None:
    """Raises ``NotFound`` where nothing was granted."""
    where = {"course_id": course_id, "assessment_id": assessment_id, "user_id": user_id}
    if await unit.value(SQL["withdraw"], **where) is None:
        raise NotFound(f"nothing is granted to user {user_id} here")
    await _apply(unit, course_id, assessment_id, user_id)


async def page(
    unit: Unit, course_id: UUID, assessment_id: UUID | None, window: Window
) -> dict[str, Any]:
    """What holds in a course, or at one assessment of it (the course's included)."""
    where: dict[str, Any] = {"course_id": course_id, "assessment_id": assessment_id}
    return await pages.read(unit, Accommodation, SQL["accommodations"], window, **where)


async def _apply(unit: Unit, course_id: UUID, assessment_id: UUID | None, user_id: object) -> None:
    where = {"course_id": course_id, "assessment_id": assessment_id, "user_id": user_id}
    for attempt in await unit.all(RunningAttempt, SQL["lock_running"], **where):
        what = f"assessment {attempt.assessment_id}"
        assessment = await unit.need(Assessment, SQL["get"], what, id=attempt.assessment_id)
        ends = (await terms_of(unit, assessment, user_id)).expires_at(attempt.started_at)
        await unit.execute(SQL["set_expiry"], id=attempt.id, expires_at=ends)
