"""What texts are made of: the titles of the things an event names by id."""

from __future__ import annotations

from typing import Any

from contracts.envelope import Envelope
from core_lms.unit import Unit
from stack.queries import load

Titles = dict[str, Any]
_sql = load(__file__)


async def of_course(unit: Unit, course_id: str) -> Titles | None:
    """``course_id``, ``course``; None where there is no such course."""
    return await unit.one(Titles, _sql["facts_of_course"], course_id=course_id)


async def course_of(unit: Unit, envelope: Envelope) -> Titles | None:
    """``of_course`` for an event with a ``course_id``."""
    event: Any = envelope.payload
    return await of_course(unit, event.course_id)


async def of_assessment(unit: Unit, assessment_id: str) -> Titles | None:
    """``assessment_id``, ``assessment``, ``course_id``, ``course``."""
    return await unit.one(Titles, _sql["facts_of_assessment"], assessment_id=assessment_id)


async def certificate_code(unit: Unit, certificate_id: str) -> str | None:
    """The code of its public link; None where it was deleted."""
    code: str | None = await unit.value(_sql["code_of_certificate"], id=certificate_id)
    return code


async def came_from_waitlist(unit: Unit, enrollment_id: str) -> bool:
    """Whether the seat was waited for: the entry's id became the enrollment's."""
    return await unit.value(_sql["waited"], enrollment_id=enrollment_id) is not None


async def invitation_open(unit: Unit, invitation_id: str) -> bool:
    """Whether it still waits for an answer."""
    return await unit.value(_sql["open_invitation"], invitation_id=invitation_id) is not None
