"""Deletes old notifications, a few at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.inbox import Loop, pause
from core_lms.notifications.repository import sql
from core_lms.notifications.settings import settings

EVERY_S = 3600.0
MOST = 1000


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    while not stop.is_set():
        values = {"days": settings().keep_days, "most": MOST}
        async with pool.connection() as connection:
            row = await (await connection.execute(sql["delete_old"], values)).fetchone()
        # Fewer than asked for: no more are that old.
        deleted = row[0] if row else 0
        await pause(stop, 0.1 if deleted == MOST else EVERY_S)


LOOP = Loop("notifications.tidy", run)
