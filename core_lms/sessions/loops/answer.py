"""Answers what strangers have asked for by an e-mail address."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.inbox import Loop, pause
from core_lms.sessions import asks

EVERY_S = 0.5


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    """Until ``stop`` is set. Several may run: who comes second finds the wish taken."""
    while not stop.is_set():
        if await asks.answer_all(pool) < asks.AT_ONCE:
            await pause(stop, EVERY_S)


LOOP = Loop("sessions.answer", run)
