"""What texts are made of: the titles of the things an event names by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from contracts.envelope import Envelope
from contracts.events.payments import OrderPaid, OrderRefunded
from core_lms.payments.currencies import spelled
from core_lms.unit import Unit
from stack.queries import load

Titles = dict[str, Any]
_sql = load(__file__)

COURSE: Titles = {"course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93", "course": "Statistics"}
"""What examples are made of."""
ASSESSMENT: Titles = COURSE | {
    "assessment_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e94",
    "assessment": "Reading histograms",
}
ORDER: Titles = COURSE | {
    "order_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e96",
    "amount": "49.00 EUR",
}
CERTIFICATE: Titles = COURSE | {"certificate_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e95"}


async def of_course(unit: Unit, course_id: str) -> Titles | None:
    """``course_id``, ``course``; None where there is no such course."""
    return await unit.one(Titles, _sql["facts_of_course"], course_id=course_id)


def titles(*names: str) -> Callable[[Unit, Envelope], Awaitable[Titles | None]]:
    """Reads the titles of the assessment or the course of an event, and these fields of its own."""

    async def facts(unit: Unit, envelope: Envelope) -> Titles | None:
        event: Any = envelope.payload
        if hasattr(event, "assessment_id"):
            id_ = event.assessment_id
            found = await unit.one(Titles, _sql["facts_of_assessment"], assessment_id=id_)
        else:
            found = await of_course(unit, event.course_id)
        return found and found | {name: getattr(event, name) for name in names}

    return facts


async def of_order(unit: Unit, envelope: Envelope) -> Titles | None:
    """Of an event about money for a course: its title, the order and the amount in words."""
    event = envelope.payload
    assert isinstance(event, OrderPaid | OrderRefunded)
    found = await of_course(unit, event.course_id)
    amount = spelled(event.amount_minor, event.currency)
    return found and found | {"order_id": event.order_id, "amount": amount}


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
