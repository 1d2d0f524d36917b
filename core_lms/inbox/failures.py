"""Events that were set aside: listing them, and applying them after the cause was repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import decode
from contracts.errors import LearnstreamError, Misconfigured, Rejected
from core_lms.inbox.declarations import Consumer
from core_lms.inbox.handling import handled
from core_lms.outbox import append
from core_lms.unit import TENANT
from stack.queries import load

_sql = load(__file__)


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that a consumer could not apply."""

    consumer: str
    event_id: str
    event_type: str
    topic: str
    partition: int
    offset: int
    reason: str
    failed_at: datetime
    attempts: int
    institution_id: str


async def failures(
    pool: AsyncConnectionPool[Any], consumer: str | None = None, limit: int = 1000
) -> list[Failure]:
    """The oldest ones, of one consumer or of all; needs the owner's connection: all tenants."""
    async with (
        pool.connection() as connection,
        connection.cursor(row_factory=class_row(Failure)) as cursor,
    ):
        await cursor.execute(_sql["failures"], {"consumer": consumer, "limit": limit})
        rows: list[Failure] = await cursor.fetchall()
        return rows


async def retry(
    pool: AsyncConnectionPool[Any],
    consumers: Sequence[Consumer],
    failure: Failure,
) -> str | None:
    """Apply one again, in its own transaction; returns why it failed again, None if it did not.

    The failure is locked, deleted with the effects, and kept with the new reason otherwise. Raises
    ``Misconfigured`` where its consumer is no longer there.
    """
    found = [one for one in consumers if one.name == failure.consumer]
    if not found:
        raise Misconfigured(f"there is no consumer {failure.consumer} any more: see docs")
    which = {"consumer": failure.consumer, "event_id": failure.event_id}
    async with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        await cursor.execute(TENANT, {"institution_id": failure.institution_id})
        await cursor.execute(_sql["take_failure"], which)
        row = await cursor.fetchone()
        if row is None:
            return None  # somebody else has just applied it
        try:
            async with connection.transaction():
                envelope = decode(row["topic"], row["message"].encode())
                unit = await handled(connection, cursor, found[0], envelope)
                if unit is None:
                    raise Rejected("no row of ours says so")
                await cursor.execute(_sql["drop_failure"], which)
                if unit.events:
                    await append(cursor, *unit.events, history=row["history"])
                return None
        except Exception as error:
            ours = isinstance(error, LearnstreamError)
            reason = str(error) if ours else f"unforeseen: {type(error).__name__}"
            await cursor.execute(_sql["failed_again"], {**which, "reason": reason})
            return reason


def chosen(rows: Sequence[Failure], event_ids: Sequence[str]) -> list[Failure]:
    """Those of ``rows`` that are named; raises ``Rejected`` for a name that is none of theirs."""
    known = {row.event_id for row in rows}
    unknown = [event_id for event_id in event_ids if event_id not in known]
    if unknown:
        raise Rejected(f"no event {unknown[0]} was set aside: see learnstream inbox failures")
    return [row for row in rows if row.event_id in event_ids]
