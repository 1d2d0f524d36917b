"""What whoever runs the LMS asks of a process: is it alive, is it ready, what are its numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from fastapi import APIRouter, FastAPI, Response
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.stopping import Stopping
from gateway.telemetry import metrics

OLDEST_WAITING = "SELECT created_at FROM outbox ORDER BY id LIMIT 1"
LOOK_EVERY_S = 5.0
REFERENCE = (Path(__file__).parent / "reference.html").read_bytes()
_REFERENCE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def health(app: FastAPI, stopping: Stopping) -> APIRouter:
    """``/health/live``, ``/health/ready`` and ``/metrics``: for the machines around us, and without
    credentials; a proxy in front publishes none of them."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @router.get("/health/ready", responses={503: {"description": "Send it no requests now"}})
    async def ready(response: Response) -> dict[str, Any]:
        """Postgres answers and is migrated; ``outbox_lag_s`` is the age of the oldest event.

        Not ready from the moment the process is told to end: it still answers what it has begun.
        """
        if stopping.is_set:
            response.status_code = 503
            return {"status": "stopping"}
        try:
            lag_s = await outbox_lag_s(app.state.pool)
        except (psycopg.Error, PoolTimeout) as error:
            await app.state.pools.forget_lost()
            response.status_code = 503
            return {"status": "waiting", "postgres": type(error).__name__}
        return {"status": "ready", "postgres": "ready", "outbox_lag_s": lag_s}

    @router.get("/metrics", response_class=Response, include_in_schema=False)
    async def numbers() -> Response:
        """What Prometheus reads."""
        body, media_type = metrics.exposition()
        return Response(body, media_type=media_type)

    @router.get("/docs", response_class=Response, include_in_schema=False)
    async def reference() -> Response:
        """The API, readable in a browser; it loads nothing but ``/openapi.json``."""
        return Response(REFERENCE, headers=_REFERENCE_HEADERS, media_type="text/html")

    return router


async def outbox_lag_s(pool: AsyncConnectionPool[Any]) -> float:
    """Seconds that the oldest event has been waiting for the relay; 0 where none waits."""
    async with pool.connection(timeout=1.0) as connection:
        cursor = await connection.execute(OLDEST_WAITING)
        row = await cursor.fetchone()
    return max((datetime.now(UTC) - row[0]).total_seconds(), 0.0) if row else 0.0


@asynccontextmanager
async def watched(**pools: AsyncConnectionPool[Any]) -> AsyncIterator[None]:
    """Note how the pools and the outbox stand, every few seconds, as long as the process runs."""

    async def look() -> None:
        while True:
            for name, pool in pools.items():
                metrics.pooled(name, pool)
            with suppress(psycopg.Error, PoolTimeout):  # the next look may find it back
                metrics.OUTBOX_LAG.set(await outbox_lag_s(pools["primary"]))
            await asyncio.sleep(LOOK_EVERY_S)

    async with until_the_end(look()):
        yield
    metrics.end_of_process()


@asynccontextmanager
async def until_the_end(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do ``work`` beside the block; it is cancelled with its end, and waited for."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
