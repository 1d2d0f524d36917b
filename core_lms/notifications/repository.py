"""Notifications, deliveries, preferences and browsers in Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__)


async def _do(unit: Unit, name: str, **values: Any) -> int:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return unit.cursor.rowcount


async def _one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    await _do(unit, name, **values)
    return await unit.cursor.fetchone()


async def _all(unit: Unit, name: str, **values: Any) -> list[DictRow]:
    await _do(unit, name, **values)
    rows: list[DictRow] = await unit.cursor.fetchall()
    return rows


async def person(unit: Unit, user_id: str) -> DictRow | None:
    """``status`` and ``erased``."""
    return await _one(unit, "person", user_id=user_id)


async def decided(unit: Unit, user_id: object) -> dict[tuple[str, str], bool]:
    """What the person decided, by kind and channel."""
    rows = await _all(unit, "decided", user_id=user_id)
    return {(row["kind"], row["channel"]): row["enabled"] for row in rows}


async def decide(unit: Unit, user_id: object, kind: str, channel: str, enabled: bool) -> None:
    await _do(unit, "decide", user_id=user_id, kind=kind, channel=channel, enabled=enabled)


async def lock_person(unit: Unit, user_id: object) -> bool:
    """Two changes of the same person's preferences happen one after the other."""
    return await _one(unit, "lock_person", user_id=user_id) is not None


async def insert(
    unit: Unit, id_: str, user_id: str, kind: str, event_id: str, facts: Mapping[str, Any]
) -> bool:
    """Whether it is new."""
    values = {"id": id_, "user_id": user_id, "kind": kind, "event_id": event_id}
    return await _do(unit, "insert", **values, facts=Jsonb(dict(facts))) == 1


async def insert_delivery(
    unit: Unit, id_: str, notification_id: str, channel: str, target: str, dropped: str | None
) -> None:
    await _do(
        unit,
        "insert_delivery",
        id=id_,
        notification_id=notification_id,
        channel=channel,
        target=target,
        status="dropped" if dropped else "pending",
        reason=dropped,
    )


async def claim(cursor: AsyncCursor[DictRow], most: int, lease_s: float) -> list[DictRow]:
    """``delivery_id``, ``institution``, ``attempt``, ``person`` of what is due, of all tenants."""
    await cursor.execute(_sql["claim"], {"most": most, "lease_s": lease_s})
    rows: list[DictRow] = await cursor.fetchall()
    return rows


async def delivery(unit: Unit, id_: str, attempt: int, lease_s: float) -> DictRow | None:
    """What is to be sent, if it is still ours; its lease begins anew."""
    return await _one(unit, "delivery", id=id_, attempt=attempt, lease_s=lease_s)


async def end(unit: Unit, id_: str, attempt: int, status: str, reason: str | None = None) -> bool:
    """Whether it was still ours to end."""
    values = {"id": id_, "attempt": attempt, "status": status, "reason": reason}
    return await _do(unit, "end_delivery", **values) == 1


async def later(unit: Unit, id_: str, attempt: int, wait_s: float, reason: str) -> None:
    await _do(unit, "later", id=id_, attempt=attempt, wait_s=wait_s, reason=reason)


async def appear(unit: Unit, id_: str, user_id: str) -> None:
    """Give it the next number of the person's list; numbers become visible in their order."""
    if await _one(unit, "unnumbered", id=id_) is None:
        return  # it has one, from a try before
    row = await _one(unit, "next_number", user_id=user_id)
    assert row is not None
    await _do(unit, "appear", id=id_, number=row["last_number"])


async def newest(
    unit: Unit, user_id: object, before: int | None, unread: bool, rows: int
) -> list[DictRow]:
    return await _all(unit, "newest", user_id=user_id, before=before, unread=unread, rows=rows)


async def after(unit: Unit, user_id: object, number: int, rows: int) -> list[DictRow]:
    return await _all(unit, "after", user_id=user_id, number=number, rows=rows)


async def standing(unit: Unit, user_id: object) -> DictRow:
    """``last`` number and how many are ``unread``."""
    row = await _one(unit, "standing", user_id=user_id)
    assert row is not None
    return row


async def read_one(unit: Unit, user_id: object, id_: object) -> DictRow | None:
    return await _one(unit, "read_one", user_id=user_id, id=id_)


async def read_up_to(unit: Unit, user_id: object, up_to: int) -> int:
    return await _do(unit, "read_up_to", user_id=user_id, up_to=up_to)


async def data_key(unit: Unit, user_id: object) -> bytes | None:
    row = await _one(unit, "data_key", user_id=user_id)
    return bytes(row["wrapped_key"]) if row else None


async def subscribe(
    unit: Unit, id_: str, user_id: object, sealed: bytes, endpoint_index: bytes
) -> DictRow:
    values = {"id": id_, "user_id": user_id, "sealed": sealed, "endpoint_index": endpoint_index}
    row = await _one(unit, "subscribe", **values)
    assert row is not None
    return row


async def subscriptions(unit: Unit, user_id: object) -> list[DictRow]:
    return await _all(unit, "subscriptions", user_id=user_id)


async def subscription(unit: Unit, user_id: object, id_: object) -> DictRow | None:
    return await _one(unit, "subscription", user_id=user_id, id=id_)


async def unsubscribe_push(unit: Unit, user_id: object, id_: object) -> bool:
    return await _do(unit, "unsubscribe_push", user_id=user_id, id=id_) == 1


async def delete_old(cursor: AsyncCursor[DictRow], days: int, most: int) -> int:
    """How many were deleted, of all tenants; fewer than ``most``: no more are that old."""
    await cursor.execute(_sql["delete_old"], {"days": days, "most": most})
    row = await cursor.fetchone()
    return int(row["deleted"]) if row else 0


async def forget(unit: Unit, user_id: str) -> None:
    """Everything about a person."""
    for what in ("notifications", "lists", "preferences", "subscriptions"):
        await _do(unit, f"forget_{what}", user_id=user_id)
