"""The outbox: events are written with the state change they record, in one Postgres transaction."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from psycopg import AsyncCursor

from contracts.envelope import MAX_BYTES, Envelope
from contracts.errors import Rejected
from gateway.telemetry import tracing

APPEND = (Path(__file__).parent / "append.sql").read_text(encoding="utf-8")

LOCK_CLASS = 0x4C4D53
"""First half of the advisory locks on keys; the second half is the key's hash."""


def rows(*envelopes: Envelope, history: bool | Collection[str] = False) -> dict[str, Any]:
    """Parameters of ``APPEND``; raises ``Rejected`` for an event that readers would refuse.

    ``history`` are the ids of those marked as history (``contracts.history``), or all, or none.
    """
    messages = []
    for envelope in envelopes:
        message = envelope.encode()
        if len(message) > MAX_BYTES:
            raise Rejected(
                f"{envelope.event_type} {envelope.event_id} has {len(message)} bytes; "
                f"the limit is {MAX_BYTES}",
                event_id=envelope.event_id,
            )
        messages.append(message.decode())
    return {
        "lock_class": LOCK_CLASS,
        "topics": [envelope.topic for envelope in envelopes],
        "keys": [envelope.key for envelope in envelopes],
        "messages": messages,
        "traceparent": tracing.current(),
        "history": [
            place
            for place, envelope in enumerate(envelopes, 1)
            if history is True or (history and envelope.event_id in history)
        ],
    }


async def append(
    cursor: AsyncCursor[Any], *envelopes: Envelope, history: bool | Collection[str] = False
) -> None:
    """Write events within the caller's transaction, after its state change, in this order.

    Waits for other transactions that wrote an event of the same key. Call it once, last: a
    transaction that appends, works on and appends another key may deadlock with its mirror image.
    """
    await cursor.execute(APPEND, rows(*envelopes, history=history))
