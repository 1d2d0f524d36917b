"""The LMS as an HTTP application: every context's routes under ``/api/v1``, and its health."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from fastapi import APIRouter, FastAPI, Response
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core_lms import plugins, problems
from core_lms.access.gateway import Gateway, by_service_key, by_token
from core_lms.access.keys import KeyRing, keep_reading
from core_lms.access.well_known import router as well_known
from core_lms.bodies import BodyGate
from stack.postgres import PostgresSettings, pool

log = logging.getLogger("core_lms")

WAIT_FOR_CONNECTION_S = 5.0
OLDEST_WAITING = "SELECT created_at FROM outbox ORDER BY id LIMIT 1"


def contexts() -> list[APIRouter]:
    """The routers of all bounded contexts: whatever folder has a ``routes.py``."""
    found = sorted(Path(__file__).parent.glob("*/routes.py"))
    modules = [importlib.import_module(f"core_lms.{path.parent.name}.routes") for path in found]
    return [module.router for module in modules]


def create_app(postgres: PostgresSettings | None = None) -> FastAPI:
    """The application; its connection pool opens and closes with its lifespan.

    It starts while Postgres is away: ``/health/ready`` and every route say 503 until it is back.
    Raises ``Misconfigured`` for a plugin that fails.
    """
    plugins.check()
    settings = postgres or PostgresSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database: AsyncConnectionPool[Any] = pool(
            settings.app_url, application_name="learnstream-lms"
        )
        database.timeout = WAIT_FOR_CONNECTION_S
        await database.open(wait=False)
        app.state.pool = database
        reading = asyncio.create_task(keep_reading(ring))
        try:
            yield
        finally:
            reading.cancel()
            await database.close()

    app = FastAPI(
        title="Learnstream LMS",
        version="1",
        description="Users, courses, content, enrollments and assessment. Every change is also an "
        "event in Kafka.",
        lifespan=lifespan,
    )
    app.add_middleware(BodyGate)
    ring = app.state.ring = KeyRing(settings.app_url)
    app.add_middleware(Gateway, schemes=[by_service_key(), by_token(ring)])
    problems.install(app)
    for router in contexts():
        app.include_router(router, prefix="/api/v1")
    app.include_router(well_known)
    app.include_router(_health(app))
    return app


def _health(app: FastAPI) -> APIRouter:
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @router.get("/ready")
    async def ready(response: Response) -> dict[str, Any]:
        """Postgres answers and is migrated; ``outbox_lag_s`` is the age of the oldest event."""
        try:
            async with app.state.pool.connection(timeout=1.0) as connection:
                cursor = await connection.execute(OLDEST_WAITING)
                row = await cursor.fetchone()
        except (psycopg.Error, PoolTimeout) as error:
            response.status_code = 503
            return {"status": "waiting", "postgres": type(error).__name__}
        lag_s = (datetime.now(UTC) - row[0]).total_seconds() if row else 0.0
        return {"status": "ready", "postgres": "ready", "outbox_lag_s": max(lag_s, 0.0)}

    return router
