"""Whether the LMS can answer, how long its events wait, and what it counts while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.operations import NotReady, Ready, until_the_end
from gateway.telemetry import metrics

OLDEST_WAITING = "SELECT created_at FROM outbox ORDER BY id LIMIT 1"
LOOK_EVERY_S = 5.0


def ready(app: FastAPI) -> Ready:
    """The readiness of a process whose pools are at ``app.state``."""

    async def can_answer() -> dict[str, Any]:
        """Postgres answers and is migrated; ``outbox_lag_s`` is the age of the oldest event."""
        try:
            lag_s = await outbox_lag_s(app.state.pool)
        except (psycopg.Error, PoolTimeout) as error:
            await app.state.pools.forget_lost()
            raise NotReady(postgres=type(error).__name__) from error
        return {"postgres": "ready", "outbox_lag_s": lag_s}

    return can_answer


async def outbox_lag_s(pool: AsyncConnectionPool[Any]) -> float:
    """Seconds that the oldest event has been waiting for the relay; 0 where none waits."""
    async with pool.connection(timeout=1.0) as connection:
        cursor = await connection.execute(OLDEST_WAITING)
        row = await cursor.fetchone()
    return max((datetime.now(UTC) - row[0]).total_seconds(), 0.0) if row else 0.0


@asynccontextmanager
async def watched(**pools: AsyncConnectionPool[Any]) -> AsyncIterator[None]:
    """Record how the pools and the outbox stand, every few seconds, as long as the process runs."""

    async def watch() -> None:
        while True:
            for name, pool in pools.items():
                metrics.pooled(name, pool)
            with suppress(psycopg.Error, PoolTimeout):  # it may be back the next time
                metrics.OUTBOX_LAG.set(await outbox_lag_s(pools["primary"]))
            await asyncio.sleep(LOOK_EVERY_S)

    async with until_the_end(watch()):
        yield
