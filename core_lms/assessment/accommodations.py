"""What single learners get beyond the others: time, attempts, later dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from core_lms import pages
from core_lms.assessment import repository
from core_lms.assessment.attempt_schemas import NewAccommodation
from core_lms.assessment.terms import Terms, terms
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import NotFound


async def terms_of(unit: Unit, assessment: DictRow, user_id: object) -> Terms:
    """What holds for a learner at an assessment."""
    granted = await repository.many(
        unit,
        "granted",
        course_id=assessment["course_id"],
        assessment_id=assessment["id"],
        user_id=user_id,
    )
    return terms(assessment, granted)


async def grant(
    unit: Unit, course_id: UUID, assessment_id: UUID | None, new: NewAccommodation
) -> tuple[DictRow, bool]:
    """What is granted now and whether the request is new; open attempts get it at once.

    It replaces what was granted to the learner for the same before.
    """
    id_, repeated = await claim(unit, "accommodation", new, course_id, assessment_id)
    await users.active(unit, new.user_id, "user_id")
    where = {"course_id": course_id, "assessment_id": assessment_id}
    row = await repository.need(
        unit,
        "grant",
        f"accommodation {id_}",
        id=id_,
        granted_by=unit.caller.user_id,
        **where,
        **new.model_dump(),
    )
    await _apply(unit, course_id, assessment_id, new.user_id)
    return row, not repeated


async def withdraw(unit: Unit, course_id: UUID, assessment_id: UUID | None, user_id: UUID) -> None:
    """Raises ``NotFound`` where nothing was granted."""
    where = {"course_id": course_id, "assessment_id": assessment_id, "user_id": user_id}
    if await repository.one(unit, "withdraw", **where) is None:
        raise NotFound(f"nothing is granted to user {user_id} here")
    await _apply(unit, course_id, assessment_id, user_id)


async def page(
    unit: Unit, course_id: UUID, assessment_id: UUID | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """What holds in a course, or at one assessment of it (the course's included)."""
    after = pages.decode(cursor, datetime)
    where = {"course_id": course_id, "assessment_id": assessment_id}
    rows = await repository.page(unit, "accommodations", after, limit + 1, **where)
    return pages.page(rows, limit)


async def _apply(unit: Unit, course_id: UUID, assessment_id: UUID | None, user_id: object) -> None:
    where = {"course_id": course_id, "assessment_id": assessment_id, "user_id": user_id}
    for attempt in await repository.many(unit, "lock_running", **where):
        assessment = await repository.need(unit, "get", "assessment", id=attempt["assessment_id"])
        holds = await terms_of(unit, assessment, user_id)
        ends = holds.expires_at(attempt["started_at"])
        await repository.run(unit, "set_expiry", id=attempt["id"], expires_at=ends)
