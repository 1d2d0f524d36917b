"""Making, changing and deleting webhooks; what could not be delivered, and trying it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

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
from core_lms.webhooks import repository, secrets, subscriptions
from core_lms.webhooks.schemas import NewWebhook, Rotation, WebhookChange
from core_lms.webhooks.settings import WebhookSettings
from gateway.errors import Conflict, NotFound
from gateway.etags import Check

SOURCE = "integration-service"


async def create(unit: Unit, new: NewWebhook) -> tuple[dict[str, Any], bool]:
    """The webhook with its secret, and whether it is new. A repeated request shows it no more.

    Raises ``Rejected`` for an address we do not connect to or an event that is never told.
    """
    id_, repeated = await claim(unit, "webhook", new)
    if repeated:
        return await get(unit, id_) | {"secret": None}, False
    check_url(new.url, WebhookSettings().allow_private)
    secret = secrets.new()
    row = await repository.one(
        unit,
        "insert",
        id=id_,
        url=new.url,
        description=new.description,
        event_types=subscriptions.check(new.event_types),
        secret_sealed=secrets.sealed(secret, id_),
        created_by=unit.caller.user_id,
    )
    unit.emit(WebhookCreated(webhook_id=id_), source=SOURCE)
    return _found(row, id_) | {"secret": secrets.shown(secret)}, True


async def get(unit: Unit, id_: str | UUID) -> DictRow:
    """Raises ``NotFound``."""
    return _found(await repository.one(unit, "get", id=id_), id_)


async def page(unit: Unit, cursor: str | None, limit: int) -> dict[str, Any]:
    """The webhooks of the institution, oldest first."""
    after = pages.decode(cursor, datetime)
    return pages.page(await repository.page(unit, "list", after, limit + 1), limit)


async def change(unit: Unit, id_: UUID, changes: WebhookChange, check: Check) -> DictRow:
    """What is given is changed; ``active`` begins anew after having been paused or disabled."""
    row = _found(await repository.one(unit, "lock", id=id_), id_)
    check(row)
    given = {name: value for name, value in changes.model_dump().items() if value is not None}
    if "url" in given:
        check_url(given["url"], WebhookSettings().allow_private)
    if "event_types" in given:
        given["event_types"] = subscriptions.check(given["event_types"])
    wanted = {
        name: given.get(name, row[name]) for name in ("url", "description", "event_types", "status")
    }
    changed = await repository.one(unit, "change", id=id_, **wanted)
    unit.emit(WebhookUpdated(webhook_id=str(id_)), source=SOURCE)
    return _found(changed, id_)


async def rotate(unit: Unit, id_: UUID, rotation: Rotation) -> dict[str, Any]:
    """The webhook with its new secret; the one before signs as well until the overlap ends."""
    _found(await repository.one(unit, "lock", id=id_), id_)
    secret = secrets.new()
    row = await repository.one(
        unit,
        "rotate",
        id=id_,
        secret_sealed=secrets.sealed(secret, id_),
        previous_until=datetime.now(UTC) + timedelta(hours=rotation.overlap_hours),
    )
    unit.emit(WebhookUpdated(webhook_id=str(id_)), source=SOURCE)
    return _found(row, id_) | {"secret": secrets.shown(secret)}


async def delete(unit: Unit, id_: UUID) -> None:
    """Forget the address, and what it was not told yet."""
    _found(await repository.one(unit, "lock", id=id_), id_)
    await repository.execute(unit, "delete", id=id_)
    unit.emit(WebhookDeleted(webhook_id=str(id_)), source=SOURCE)


async def disable(unit: Unit, id_: UUID, reason: str, at: datetime) -> None:
    """Tell it no more; what it was not told is on the list of what could not be delivered."""
    row = await repository.one(unit, "disable", id=id_, reason=reason, at=at)
    if row is None:
        return
    await repository.execute(unit, "bury", id=id_, at=at)
    made_by = row["created_by"]
    event = WebhookDisabled(
        webhook_id=str(id_), reason=reason, user_id=None if made_by is None else str(made_by)
    )
    unit.emit(event, source=SOURCE)


async def told(unit: Unit) -> set[str]:
    """Every name that an address of the institution asks for events by."""
    return {row["event_type"] for row in await repository.rows(unit, "told")}


async def enqueue(unit: Unit, envelope: Envelope) -> int:
    """A delivery for every address that wants this event; returns how many are new."""
    return await repository.execute(
        unit,
        "enqueue",
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        names=subscriptions.names(envelope.event_type),
        message=envelope.encode().decode(),
    )


async def deliveries(
    unit: Unit, id_: UUID, cursor: str | None, limit: int, status: str | None
) -> dict[str, Any]:
    """What the address was told or is to be told, oldest first."""
    after = pages.decode(cursor, datetime)
    found = await repository.page(
        unit, "deliveries", after, limit + 1, webhook_id=id_, status=status
    )
    return pages.page(found, limit)


async def retry(unit: Unit, id_: UUID, delivery_id: UUID | None = None) -> int:
    """Make what is dead due again; raises ``Conflict`` while the address is told nothing."""
    row = await get(unit, id_)
    if row["status"] == "disabled":
        raise Conflict(f"webhook {id_} is disabled: set its status to active first")
    found = await repository.rows(unit, "retry", webhook_id=id_, id=delivery_id)
    if delivery_id is not None and not found:
        raise NotFound(f"webhook {id_} has no dead delivery {delivery_id}")
    return len(found)


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no webhook {id_}")
    return row
