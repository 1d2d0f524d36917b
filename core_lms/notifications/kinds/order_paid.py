"""The money for a course arrived: a receipt."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.payments import OrderPaid
from core_lms.notifications.facts import of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.payments.currencies import spelled
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, OrderPaid)
    found = await of_course(unit, event.course_id)
    amount = spelled(event.amount_minor, event.currency)
    return found and found | {"order_id": event.order_id, "amount": amount}


KIND = Kind(
    event=OrderPaid,
    about="Your payment arrived",
    texts={
        "en": Text(
            "Your payment for {{ course }}",
            "We received {{ amount }} for “{{ course }}”.\n\nOrder {{ order_id }}",
        ),
        "de": Text(
            "Ihre Zahlung für {{ course }}",
            "Wir haben {{ amount }} für „{{ course }}“ erhalten.\n\nBestellung {{ order_id }}",
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
