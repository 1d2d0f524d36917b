"""Moves erased people to their new ids in every store, a second or two after they were erased."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from psycopg_pool import AsyncConnectionPool

from contracts.errors import Retryable
from core_lms.inbox import Loop, pause
from core_lms.privacy import moving

log = logging.getLogger("core_lms.privacy")

EVERY_S = 2.0
MAX_BACKOFF_S = 60.0
FORGET_EVERY_S = 3600.0


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    """Works as the tables' owner, as the sealer of the audit log does."""
    wait_s, forget_at = EVERY_S, 0.0
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        try:
            if clock() >= forget_at:
                await asyncio.to_thread(moving.forget)
                forget_at = clock() + FORGET_EVERY_S
            async with pool.connection() as connection:
                found = await connection.execute("SELECT erasures_open()")
                row = await found.fetchone()
            if row and row[0]:
                await asyncio.to_thread(moving.step)
            wait_s = EVERY_S
        except Retryable as error:
            log.warning(str(error))
            wait_s = min(MAX_BACKOFF_S, wait_s * 2)
        await pause(stop, wait_s)


LOOP = Loop("privacy.move", run)
