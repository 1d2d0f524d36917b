"""Seals the audit log as long as the process runs: a row waits half a second or so."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.audit.sealer import Sealer
from core_lms.audit.settings import AuditSettings
from core_lms.inbox import Loop, pause
from stack.postgres import PostgresSettings


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    """Works as the tables' owner: the application's role can neither read nor empty the queue."""
    settings = AuditSettings()
    sealer = Sealer(PostgresSettings().lms_url, settings)
    try:
        while not stop.is_set():
            await asyncio.to_thread(sealer.seal)
            await pause(stop, settings.seal_every_s)
        await asyncio.to_thread(sealer.seal)
    finally:
        await asyncio.to_thread(sealer.stop)


LOOP = Loop("audit.seal", run)
