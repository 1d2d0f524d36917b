"""The unit of work a handler gets: the event's institution, and the consumer as the caller."""

from __future__ import annotations

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from core_lms.inbox.declarations import Consumer
from core_lms.unit import Unit
from gateway.caller import service
from stack.queries import load

_sql = load(__file__)


async def unit_of(cursor: AsyncCursor[DictRow], consumer: Consumer, institution_id: str) -> Unit:
    """Row-level security shows the handler the rows of this institution only."""
    await cursor.execute(_sql["tenant"], {"institution_id": institution_id})
    caller = service(consumer.name, institution_id)
    return Unit(cursor, caller, action=consumer.name, shared=True)
