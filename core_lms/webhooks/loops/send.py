"""Sends what is due, and forgets what was delivered long ago."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.inbox import Loop, pause
from core_lms.units import transaction
from core_lms.webhooks.repository import sql
from core_lms.webhooks.sending import NAME, Sender
from gateway.caller import service as our

EVERY_S = 0.5
FORGET_EVERY = timedelta(hours=1)


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    sender, forget_at = Sender(pool), datetime.now(UTC)
    try:
        while not stop.is_set():
            if datetime.now(UTC) >= forget_at:
                await forget(sender)
                forget_at = datetime.now(UTC) + FORGET_EVERY
            if await sender.begin():
                continue
            if sender.busy:  # there may be room for the next as soon as one has ended
                await sender.wait(EVERY_S)
            else:
                await pause(stop, EVERY_S)
    finally:
        await sender.close()


async def forget(sender: Sender) -> None:
    """What was delivered, or could not be, before the settings' days."""
    now, settings = sender.clock(), sender.settings
    async with transaction(sender.pool, our(NAME, "")) as unit:
        await unit.execute(
            sql["forget"],
            delivered_before=now - timedelta(days=settings.keep_delivered_days),
            dead_before=now - timedelta(days=settings.keep_dead_days),
        )


LOOP = Loop("webhooks.send", run)
