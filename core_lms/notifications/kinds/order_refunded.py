"""Money for a course went back."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.payments import OrderRefunded
from core_lms.notifications.facts import of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.payments.currencies import spelled
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, OrderRefunded)
    found = await of_course(unit, event.course_id)
    amount = spelled(event.amount_minor, event.currency)
    return found and found | {"order_id": event.order_id, "amount": amount}


KIND = Kind(
    event=OrderRefunded,
    about="You got money back",
    texts={
        "en": Text(
            "Refund for {{ course }}",
            "{{ amount }} for “{{ course }}” is on its way back to you.\n\nOrder {{ order_id }}",
        ),
        "de": Text(
            "Erstattung für {{ course }}",
            "{{ amount }} für „{{ course }}“ sind auf dem Weg zurück zu Ihnen.\n\n"
            "Bestellung {{ order_id }}",
        ),
    },
    facts=facts,
    example={
        "course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93",
        "course": "Statistics",
        "order_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e96",
        "amount": "49.00 EUR",
    },
    essential=True,
)
