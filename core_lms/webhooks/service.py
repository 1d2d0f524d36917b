"""Making, changing and deleting webhooks; what could not be delivered, and trying it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope
from contracts.events.integration import (
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookUpdated,
)
from core_lms import pages
from core_lms.addresses import check_url
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.webhooks import secrets, subscriptions
from core_lms.webhooks.repository import sql
from core_lms.webhooks.schemas import (
    Delivery,
    NewWebhook,
    Rotation,
    ShownWebhook,
    Webhook,
    WebhookChange,
)
from core_lms.webhooks.settings import WebhookSettings
from gateway.errors import Conflict, NotFound
from gateway.etags import Check
from gateway.pages import Window

SOURCE = "integration-service"


async def create(unit: Unit, new: NewWebhook) -> ShownWebhook:
    """The webhook with its secret. A repeated request shows it no more.

    Raises ``Rejected`` for an address we do not connect to or an event that is never delivered.
    """
    id_ = await claim(unit, "webhook", new)
    if unit.repeated:
        return _shown(await get(unit, id_), None)
    check_url(new.url, WebhookSettings().allow_private)
    secret = secrets.new()
    values = new.model_dump() | {"event_types": subscriptions.check(new.event_types)}
    values |= {"secret_sealed": secrets.sealed(secret, id_), "created_by": unit.caller.user_id}
    row = await _webhook(unit, "insert", id_, **values)
    unit.emit(WebhookCreated(webhook_id=id_), source=SOURCE)
    return _shown(row, secret)


def _shown(row: Webhook, secret: bytes | None) -> ShownWebhook:
    return ShownWebhook(**dict(row), secret=None if secret is None else secrets.shown(secret))


async def get(unit: Unit, id_: str | UUID) -> Webhook:
    """Raises ``NotFound``."""
    return await _webhook(unit, "get", id_)


async def _webhook(unit: Unit, name: str, id_: object, /, **values: Any) -> Webhook:
    return await unit.need(Webhook, sql[name], f"webhook {id_}", id=id_, **values)


async def page(unit: Unit, window: Window) -> dict[str, Any]:
    """The webhooks of the institution, oldest first."""
    return await pages.read(unit, Webhook, sql["list"], window)


async def change(unit: Unit, id_: UUID, changes: WebhookChange, check: Check) -> Webhook:
    """What is given is changed; ``active`` begins anew after having been paused or disabled."""
    row = await _webhook(unit, "lock", id_)
    check(row)
    given = {name: value for name, value in changes.model_dump().items() if value is not None}
    if "url" in given:
        check_url(given["url"], WebhookSettings().allow_private)
    if "event_types" in given:
        given["event_types"] = subscriptions.check(given["event_types"])
    wanted = {
        name: given.get(name, getattr(row, name))
        for name in ("url", "description", "event_types", "status")
    }
    unit.emit(WebhookUpdated(webhook_id=str(id_)), source=SOURCE)
    return await _webhook(unit, "change", id_, **wanted)


async def rotate(unit: Unit, id_: UUID, rotation: Rotation) -> ShownWebhook:
    """The webhook with its new secret; the one before signs as well until the overlap ends."""
    await _webhook(unit, "lock", id_)
    secret, until = secrets.new(), datetime.now(UTC) + timedelta(hours=rotation.overlap_hours)
    sealed = secrets.sealed(secret, id_)
    unit.emit(WebhookUpdated(webhook_id=str(id_)), source=SOURCE)
    row = await _webhook(unit, "rotate", id_, secret_sealed=sealed, previous_until=until)
    return _shown(row, secret)


async def delete(unit: Unit, id_: UUID) -> None:
    """Forget the address, and what it did not get yet."""
    await _webhook(unit, "lock", id_)
    await unit.execute(sql["delete"], id=id_)
    unit.emit(WebhookDeleted(webhook_id=str(id_)), source=SOURCE)


async def disable(unit: Unit, id_: UUID, reason: str, at: datetime) -> None:
    """Deliver no more; what it did not get is on the list of what could not be delivered."""
    row = await unit.one(Webhook, sql["disable"], id=id_, reason=reason, at=at)
    if row is None:
        return
    await unit.execute(sql["bury"], id=id_, at=at)
    made_by = row.created_by
    event = WebhookDisabled(
        webhook_id=str(id_), reason=reason, user_id=None if made_by is None else str(made_by)
    )
    unit.emit(event, source=SOURCE)


async def wanted(unit: Unit) -> set[str]:
    """Every name that an address of the institution asks for events by."""
    return set(await unit.value(sql["wanted"]))


async def enqueue(unit: Unit, envelope: Envelope) -> int:
    """A delivery for every address that wants this event; returns how many are new."""
    return await unit.execute(
        sql["enqueue"],
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        names=subscriptions.names(envelope.event_type),
        message=envelope.encode().decode(),
    )


async def deliveries(unit: Unit, id_: UUID, window: Window, status: str | None) -> dict[str, Any]:
    """What the address got or is to get, oldest first."""
    wanted: dict[str, Any] = {"webhook_id": id_, "status": status}
    return await pages.read(unit, Delivery, sql["deliveries"], window, **wanted)


async def retry(unit: Unit, id_: UUID, delivery_id: UUID | None = None) -> int:
    """Make what is dead due again; raises ``Conflict`` while the address is disabled."""
    row = await get(unit, id_)
    if row.status == "disabled":
        raise Conflict(f"webhook {id_} is disabled: set its status to active first")
    retried = await unit.execute(sql["retry"], webhook_id=id_, id=delivery_id)
    if delivery_id is not None and not retried:
        raise NotFound(f"webhook {id_} has no dead delivery {delivery_id}")
    return retried
