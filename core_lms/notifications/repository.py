"""Notifications, deliveries, preferences and browsers in Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core_lms.unit import Unit
from stack.queries import load


@dataclass(frozen=True, slots=True)
class Person:
    status: str
    erased: bool


@dataclass(frozen=True, slots=True)
class Decision:
    kind: str
    channel: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends."""

    id: str
    institution_id: str
    attempt: int
    user_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be sent, and to whom."""

    channel: str
    target: str
    notification_id: str
    kind: str
    facts: dict[str, Any]
    user_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """An entry of a person's list; ``number`` is its place."""

    id: UUID
    number: int
    kind: str
    facts: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a list stands: its ``last`` number and how many entries are ``unread``."""

    last: int
    unread: int


@dataclass(frozen=True, slots=True)
class Browser:
    """One that accepts pushes; endpoint and keys are sealed."""

    id: UUID
    sealed: bytes
    endpoint_index: bytes
    created_at: datetime


sql = load(__file__, notification=Notification, browser=Browser)


async def person(unit: Unit, user_id: str) -> Person | None:
    return await unit.one(Person, sql["person"], user_id=user_id)


async def decided(unit: Unit, user_id: object) -> dict[tuple[str, str], bool]:
    """What the person decided, by kind and channel."""
    rows = await unit.all(Decision, sql["decided"], user_id=user_id)
    return {(row.kind, row.channel): row.enabled for row in rows}


async def decide(unit: Unit, user_id: object, kind: str, channel: str, enabled: bool) -> None:
    values = {"user_id": user_id, "kind": kind, "channel": channel, "enabled": enabled}
    await unit.execute(sql["decide"], **values)


async def lock_person(unit: Unit, user_id: object) -> bool:
    """Two changes of the same person's preferences happen one after the other."""
    return await unit.execute(sql["lock_person"], user_id=user_id) == 1


async def insert(
    unit: Unit, id_: str, user_id: str, kind: str, event_id: str, facts: Mapping[str, Any]
) -> bool:
    """Whether it is new."""
    values = {"id": id_, "user_id": user_id, "kind": kind, "event_id": event_id}
    return await unit.execute(sql["insert"], **values, facts=Jsonb(dict(facts))) == 1


async def insert_delivery(
    unit: Unit, id_: str, notification_id: str, channel: str, target: str, dropped: str | None
) -> None:
    await unit.execute(
        sql["insert_delivery"],
        id=id_,
        notification_id=notification_id,
        channel=channel,
        target=target,
        status="dropped" if dropped else "pending",
        reason=dropped,
    )


async def delivery(unit: Unit, id_: str, attempt: int, lease_s: float) -> Delivery | None:
    """What is to be sent, if it is still ours; its lease begins anew."""
    return await unit.one(Delivery, sql["delivery"], id=id_, attempt=attempt, lease_s=lease_s)


async def end(unit: Unit, id_: str, attempt: int, status: str, reason: str | None = None) -> bool:
    """Whether it was still ours to end."""
    values = {"id": id_, "attempt": attempt, "status": status, "reason": reason}
    return await unit.execute(sql["end_delivery"], **values) == 1


async def later(unit: Unit, id_: str, attempt: int, wait_s: float, reason: str) -> None:
    values = {"id": id_, "attempt": attempt, "wait_s": wait_s, "reason": reason}
    await unit.execute(sql["later"], **values)


async def appear(unit: Unit, id_: str, user_id: str) -> None:
    """Give it the next number of the person's list; numbers become visible in their order."""
    if await unit.value(sql["unnumbered"], id=id_) is None:
        return  # it has one, from a try before
    number = await unit.value(sql["next_number"], user_id=user_id)
    await unit.execute(sql["appear"], id=id_, number=number)


async def newest(
    unit: Unit, user_id: object, before: int | None, unread: bool, rows: int
) -> list[Notification]:
    values = {"user_id": user_id, "before": before, "unread": unread, "rows": rows}
    return await unit.all(Notification, sql["newest"], **values)


async def after(unit: Unit, user_id: object, number: int, rows: int) -> list[Notification]:
    values = {"user_id": user_id, "number": number, "rows": rows}
    return await unit.all(Notification, sql["after"], **values)


async def standing(unit: Unit, user_id: object) -> Standing:
    [row] = await unit.all(Standing, sql["standing"], user_id=user_id)
    return row


async def read_one(unit: Unit, user_id: object, id_: object) -> Notification | None:
    return await unit.one(Notification, sql["read_one"], user_id=user_id, id=id_)


async def read_up_to(unit: Unit, user_id: object, up_to: int) -> int:
    return await unit.execute(sql["read_up_to"], user_id=user_id, up_to=up_to)


async def data_key(unit: Unit, user_id: object) -> bytes | None:
    wrapped: bytes | None = await unit.value(sql["data_key"], user_id=user_id)
    return wrapped


async def subscribe(
    unit: Unit, id_: str, user_id: object, sealed: bytes, endpoint_index: bytes
) -> Browser:
    values = {"id": id_, "user_id": user_id, "sealed": sealed, "endpoint_index": endpoint_index}
    [row] = await unit.all(Browser, sql["subscribe"], **values)
    return row


async def subscriptions(unit: Unit, user_id: object) -> list[Browser]:
    return await unit.all(Browser, sql["subscriptions"], user_id=user_id)


async def subscription(unit: Unit, user_id: object, id_: object) -> Browser | None:
    return await unit.one(Browser, sql["subscription"], user_id=user_id, id=id_)


async def unsubscribe_push(unit: Unit, user_id: object, id_: object) -> bool:
    return await unit.execute(sql["unsubscribe_push"], user_id=user_id, id=id_) == 1


async def forget(unit: Unit, user_id: str) -> None:
    """Everything about a person."""
    for what in ("notifications", "lists", "preferences", "subscriptions"):
        await unit.execute(sql[f"forget_{what}"], user_id=user_id)
