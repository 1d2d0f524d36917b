"""The money for a course arrived: a receipt."""

from __future__ import annotations

from contracts.events.payments import OrderPaid
from core_lms.notifications.facts import ORDER, of_order
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

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
    facts=of_order,
    example=ORDER,
    essential=True,
)
