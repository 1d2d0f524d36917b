"""Deletes old notifications, a few at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from core_lms.inbox import Loop
from core_lms.inbox.stopping import pause
from core_lms.notifications import repository
from core_lms.notifications.settings import settings

EVERY_S = 3600.0
MOST = 1000


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    while not stop.is_set():
        async with (
            pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            deleted = await repository.delete_old(cursor, settings().keep_days, MOST)
        await pause(stop, 0.1 if deleted == MOST else EVERY_S)


LOOP = Loop("notifications.tidy", run)
