"""Sends refunds that are due, until the provider has taken them."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.inbox import Loop, pause
from core_lms.payments import providers
from core_lms.payments.refunding import now, send_due

EVERY_S = 1.0


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    while not stop.is_set():
        if not await send_due(pool, now):
            await pause(stop, EVERY_S)


LOOP = Loop("payments.refunds", run, check=providers.enabled)
