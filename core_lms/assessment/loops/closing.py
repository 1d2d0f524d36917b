"""Hands in the attempts whose time has run out, for learners who did not come back."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.errors import LearnstreamError
from core_lms.assessment import attempts
from core_lms.assessment.repository import SQL
from core_lms.inbox import Loop, pause
from core_lms.units import transaction
from gateway.caller import service

log = logging.getLogger("core_lms.assessment")

EVERY_S = 5.0
AT_ONCE = 200
"""Attempts in one query."""


async def close_what_is_over(pool: AsyncConnectionPool[Any], now: datetime) -> int:
    """How many attempts were handed in; each in a transaction of its own, as of its own end."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL["run_out"], {"now": now, "most": AT_ONCE})
        found = await cursor.fetchall()
    closed = 0
    for row in found:
        try:
            async with transaction(pool, service("closing", row["institution_id"])) as unit:
                closed += await attempts.close_if_over(unit, row["id"], now)
        except (LearnstreamError, psycopg.Error) as error:
            # The others' time is over as well; this one is tried again the next time.
            facts = {"attempt_id": str(row["id"]), "error": type(error).__name__}
            log.warning("an attempt could not be handed in", extra=facts)
    return closed


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    """Until ``stop`` is set. Several may run: who comes second finds the attempt handed in."""
    while not stop.is_set():
        closed = await close_what_is_over(pool, datetime.now(UTC))
        if closed:
            log.info("attempts handed in whose time was over", extra={"attempts": closed})
        if closed < AT_ONCE:
            await pause(stop, EVERY_S)


LOOP = Loop("assessment.closing", run)
