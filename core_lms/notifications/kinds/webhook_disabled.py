"""An address of another system gets no more events: whoever made it has to repair it."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.integration import WebhookDisabled
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, WebhookDisabled)
    if event.user_id is None:
        return None  # a machine made it; the log and the list of webhooks say so
    return {"webhook_id": event.webhook_id, "reason": event.reason}


KIND = Kind(
    event=WebhookDisabled,
    about="A webhook of yours gets no more events",
    texts={
        "en": Text(
            "Webhook disabled",
            "Webhook {{ webhook_id }} gets no more events ({{ reason }}). What it did not get "
            "is kept for 30 days: repair the receiver, set the webhook to active again, and "
            "have the rest sent.",
            "See the webhook",
        ),
        "de": Text(
            "Webhook abgeschaltet",
            "Der Webhook {{ webhook_id }} erfährt keine Ereignisse mehr ({{ reason }}). Was ihm "
            "nicht gesagt wurde, bleibt 30 Tage: Richten Sie den Empfänger, schalten Sie den "
            "Webhook wieder ein und lassen Sie den Rest senden.",
            "Webhook ansehen",
        ),
    },
    facts=facts,
    example={"webhook_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e97", "reason": "failing"},
    link="/api/v1/webhooks/{webhook_id}",
    essential=True,
)
