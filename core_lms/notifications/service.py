"""Whom an event notifies: it becomes notifications, each with its deliveries."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from contracts.envelope import Envelope
from contracts.errors import Rejected
from contracts.ids import named_id
from core_lms import pages
from core_lms.idempotency import claim
from core_lms.notifications.channels import POINT
from core_lms.notifications.channels.web_push import PLACE, allowed, check_keys
from core_lms.notifications.kinds import Kind, kinds
from core_lms.notifications.preferences import Wishes
from core_lms.notifications.repository import Browser, Notification, Person, data_key, sql
from core_lms.notifications.schemas import NewPushSubscription, Unread
from core_lms.notifications.settings import settings
from core_lms.notifications.texts import pick, render
from core_lms.plugins import plugins
from core_lms.sealing.person import DataKey
from core_lms.unit import Unit, found
from core_lms.users import repository as users
from gateway.errors import NotFound
from gateway.pages import Window
from stack.keyset import blind_index

log = logging.getLogger("core_lms.notifications")

MAX_BROWSERS = 20
"""Of one person; each is a message to send."""


def kinds_for(envelope: Envelope, now: datetime) -> dict[str, Kind]:
    """The kinds that events of this type and age make, by name."""
    age = now - envelope.timestamp
    return {
        name: kind
        for name, kind in kinds().items()
        if envelope.event_type == kind.event.TYPE and age <= kind.max_age
    }


async def record(unit: Unit, envelope: Envelope, now: datetime | None = None) -> None:
    """Record whom an event notifies, and on which ways; nothing is sent here."""
    for name, kind in kinds_for(envelope, now or datetime.now(UTC)).items():
        facts = await kind.facts(unit, envelope)
        if facts is None:
            continue
        for user_id in kind.recipients(envelope.payload):
            await _record(unit, name, kind, envelope.event_id, user_id, dict(facts))


async def _record(
    unit: Unit, name: str, kind: Kind, event_id: str, user_id: str, facts: dict[str, Any]
) -> None:
    person = await unit.one(Person, sql["person"], user_id=user_id)
    if person is None:
        raise Rejected(f"there is no user {user_id}")
    if person.erased or (person.status != "active" and not kind.essential):
        return
    # Computed, so that the same event notifies the same person once, whoever repeats what.
    id_ = named_id("notification", event_id, name, user_id)
    values = {"user_id": user_id, "kind": name, "event_id": event_id, "facts": Jsonb(facts)}
    if not await unit.execute(sql["insert"], id=id_, **values):
        return
    wishes = await Wishes.of(unit, user_id)
    for channel, way in plugins(POINT).items():
        if wishes.refusal(name, channel) is not None:
            continue
        why_not = way.unavailable()
        status = "dropped" if why_not else "pending"
        which = {"notification_id": id_, "channel": channel, "status": status, "reason": why_not}
        for target in await way.targets(unit, user_id):
            delivery_id = named_id(id_, channel, target)
            await unit.execute(sql["insert_delivery"], id=delivery_id, target=target, **which)


async def page(unit: Unit, user_id: UUID, window: Window, unread: bool) -> dict[str, Any]:
    """The newest first."""
    language = await language_of(unit, user_id)
    after = pages.decode(window.cursor, int)
    which = {"before": after and after.first, "unread": unread, "rows": window.limit + 1}
    rows = await unit.all(Notification, sql["newest"], user_id=user_id, **which)
    listed = pages.page(rows, window.limit, "number")
    return listed | {"items": [shown(row, language) for row in listed["items"]]}


async def language_of(unit: Unit, user_id: object) -> str:
    """The language of a person's profile; raises ``NotFound``."""
    user = found(await users.get(unit, user_id), f"there is no user {user_id}")
    wanted = user.profile.get("language")
    return str(wanted) if isinstance(wanted, str) else settings().language


def shown(row: Notification, language: str) -> dict[str, Any]:
    """A row as the API and the stream show it, in words."""
    kind = kinds().get(row.kind)
    about: dict[str, Any] = {
        name: getattr(row, name) for name in ("id", "number", "kind", "created_at", "read_at")
    }
    if kind is None:  # its file is gone: the entry stays
        words = {"subject": row.kind, "body": "", "action": None, "link": None}
        return about | words | {"language": "en"}
    chosen = pick(kind.texts, language, settings().language)
    text = render(kind.texts, chosen, row.facts)
    return about | {
        "subject": text.subject,
        "body": text.body,
        "action": text.action or None,
        "link": link_of(kind, row.facts),
        "language": text.language,
    }


def link_of(kind: Kind, facts: dict[str, Any]) -> str | None:
    if "link" in facts:
        return str(facts["link"])
    return settings().public_url + kind.link.format(**facts) if kind.link else None


async def standing(unit: Unit, user_id: UUID) -> Unread:
    return await unit.need(Unread, sql["standing"], "list", user_id=user_id)


async def since(unit: Unit, user_id: UUID, number: int, rows: int = 100) -> list[dict[str, Any]]:
    """What appeared behind ``number``, in order."""
    which = {"user_id": user_id, "number": number, "rows": rows}
    appeared = await unit.all(Notification, sql["after"], **which)
    if not appeared:
        return []
    language = await language_of(unit, user_id)
    return [shown(row, language) for row in appeared]


async def read_one(unit: Unit, user_id: UUID, id_: UUID) -> dict[str, Any]:
    what = f"notification {id_}"
    row = await unit.need(Notification, sql["read_one"], what, user_id=user_id, id=id_)
    return shown(row, await language_of(unit, user_id))


async def read_up_to(unit: Unit, user_id: UUID, up_to: int) -> Unread:
    await unit.execute(sql["read_up_to"], user_id=user_id, up_to=up_to)
    return await standing(unit, user_id)


async def subscribe(unit: Unit, user_id: UUID, new: NewPushSubscription) -> Browser:
    """A browser that wants pushes; the same browser again is the same row.

    Raises ``Rejected`` for a push service we do not post to, for keys that are none, and for too
    many browsers.
    """
    if not allowed(new.endpoint):
        raise Rejected(
            "endpoint: this push service is not one we send to (the setting "
            "LMS_NOTIFICATIONS_PUSH_SERVICES names them)"
        )
    check_keys(new.keys.p256dh, new.keys.auth)
    id_ = await claim(unit, "push_subscription", new, user_id)
    existing = await unit.all(Browser, sql["subscriptions"], user_id=user_id)
    if unit.repeated:
        same = next((row for row in existing if str(row.id) == id_), None)
        if same is not None:
            return same
    wrapped = found(await data_key(unit, user_id), f"there is no user {user_id}")
    index = blind_index("push_subscriptions.endpoint", unit.institution_id, new.endpoint)
    known = any(bytes(row.endpoint_index) == index for row in existing)
    if not known and len(existing) >= MAX_BROWSERS:
        raise Rejected(f"there are {MAX_BROWSERS} browsers already: remove one first")
    text = json.dumps(new.model_dump(include={"endpoint", "keys"}))
    sealed = DataKey.unwrap(user_id, wrapped).seal(PLACE, text)
    unit.repeated = known
    values = {"user_id": user_id, "sealed": sealed, "endpoint_index": index}
    return await unit.need(Browser, sql["subscribe"], "browser", id=id_, **values)


async def browsers(unit: Unit, user_id: UUID) -> dict[str, Any]:
    return {"items": await unit.all(Browser, sql["subscriptions"], user_id=user_id)}


async def unsubscribe_push(unit: Unit, user_id: UUID, id_: UUID) -> None:
    if not await unit.execute(sql["unsubscribe_push"], user_id=user_id, id=id_):
        raise NotFound(f"there is no push subscription {id_}")
