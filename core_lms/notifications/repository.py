"""Notifications, deliveries, preferences and browsers in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

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
class Browser:
    """One that accepts pushes; endpoint and keys are sealed."""

    id: UUID
    sealed: bytes
    endpoint_index: bytes
    created_at: datetime


sql = load(__file__, notification=Notification, browser=Browser)


async def decided(unit: Unit, user_id: object) -> dict[tuple[str, str], bool]:
    """What the person decided, by kind and channel."""
    rows = await unit.all(Decision, sql["decided"], user_id=user_id)
    return {(row.kind, row.channel): row.enabled for row in rows}


async def appear(unit: Unit, id_: str, user_id: str) -> None:
    """Give it the next number of the person's list; numbers become visible in their order."""
    if await unit.value(sql["unnumbered"], id=id_) is None:
        return  # it has one, from a try before
    number = await unit.value(sql["next_number"], user_id=user_id)
    await unit.execute(sql["appear"], id=id_, number=number)


async def data_key(unit: Unit, user_id: object) -> bytes | None:
    wrapped: bytes | None = await unit.value(sql["data_key"], user_id=user_id)
    return wrapped


async def forget(unit: Unit, user_id: str) -> None:
    """Everything about a person."""
    for what in ("notifications", "lists", "preferences", "subscriptions"):
        await unit.execute(sql[f"forget_{what}"], user_id=user_id)
