"""A webhook with a delivery that could not be made."""

from __future__ import annotations

from typing import Any

from contracts.ids import new_id


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    body = {"url": "https://sis.example.org/hook", "event_types": ["order.paid"]}
    webhook = lms.made("/webhooks", body)
    delivery_id = new_id()
    lms.database.execute(
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, message, status, "
        "settled_at, institution_id) VALUES (%s, %s, %s, 'order.paid', '{}', 'dead', now(), %s)",
        [delivery_id, webhook["id"], new_id(), lms.institution_id],
    )
    return {"webhook_id": webhook["id"], "delivery_id": delivery_id}
