"""What texts are made of: the titles of the things an event names by id."""

from __future__ import annotations

from typing import Any

from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__)


async def _one(unit: Unit, name: str, **values: Any) -> dict[str, Any] | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    row = await unit.cursor.fetchone()
    return dict(row) if row is not None else None


async def of_course(unit: Unit, course_id: str) -> dict[str, Any] | None:
    """``course_id``, ``course``; None where there is no such course."""
    return await _one(unit, "facts_of_course", course_id=course_id)


async def of_assessment(unit: Unit, assessment_id: str) -> dict[str, Any] | None:
    """``assessment_id``, ``assessment``, ``course_id``, ``course``."""
    return await _one(unit, "facts_of_assessment", assessment_id=assessment_id)


async def certificate_code(unit: Unit, certificate_id: str) -> str | None:
    """The code of its public link; None where it was deleted."""
    row = await _one(unit, "code_of_certificate", id=certificate_id)
    return None if row is None else str(row["code"])


async def came_from_waitlist(unit: Unit, enrollment_id: str) -> bool:
    """Whether the seat was waited for: the entry's id became the enrollment's."""
    return await _one(unit, "waited", enrollment_id=enrollment_id) is not None


async def invitation_open(unit: Unit, invitation_id: str) -> bool:
    """Whether it still waits for an answer."""
    return await _one(unit, "open_invitation", invitation_id=invitation_id) is not None
