"""Money for a course went back."""

from __future__ import annotations

from contracts.events.payments import OrderRefunded
from core_lms.notifications.facts import ORDER, of_order
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

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
    facts=of_order,
    example=ORDER,
    essential=True,
)
