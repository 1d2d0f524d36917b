"""One event given to one consumer's handler, in the transaction of whoever calls."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow

from contracts.envelope import Envelope
from core_lms import audit_trail
from core_lms.inbox.confirming import confirmed
from core_lms.inbox.declarations import Consumer
from core_lms.outbox import rows
from core_lms.unit import Unit
from gateway.caller import service


async def unit_of(cursor: AsyncCursor[DictRow], consumer: Consumer, institution_id: str) -> Unit:
    """Row-level security shows the handler the rows of this institution only."""
    nobody = service(consumer.name, "")
    unit = Unit(cursor, nobody, action=consumer.name, shared=True)
    await unit.enter(service(consumer.name, institution_id))
    return unit


async def handled(
    connection: AsyncConnection[Any],
    cursor: AsyncCursor[DictRow],
    consumer: Consumer,
    envelope: Envelope,
) -> Unit | None:
    """The handler's effects under a savepoint, and the unit with the events it emitted.

    None where the LMS has no row that says what the event says: then there is no effect.
    """
    async with connection.transaction():
        unit = await unit_of(cursor, consumer, envelope.institution_id)
        if consumer.confirms and not await confirmed(unit, envelope):
            return None
        await consumer.handle(unit, envelope)
        audited = audit_trail.entry(unit)
        if audited:
            await cursor.execute(audit_trail.INSERT, audited)
        rows(*unit.events)  # an event too large to publish is this handler's failure
        return unit
