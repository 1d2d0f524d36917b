"""The LMS as an HTTP application: every context's routes under ``/api/v1``, and its health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from core_lms import plugins, pools, services
from core_lms.access.role import refuse_bypass
from core_lms.api_keys.scheme import by_api_key
from core_lms.cache.headers import CacheControl
from core_lms.cache.last_seen import LastSeen, Seen
from core_lms.cache.settings import CacheSettings
from core_lms.cache.store import Cache
from gateway import openapi, operations, problems, routing
from gateway.bodies import BodyGate
from gateway.keys import KeyRing, keep_reading
from gateway.limits.buckets import Buckets
from gateway.limits.middleware import RateLimits
from gateway.limits.settings import LimitSettings
from gateway.middleware import Gateway, by_token
from gateway.stopping import Stopping, Streams
from gateway.telemetry import tracing
from gateway.telemetry.middleware import Telemetry
from gateway.well_known import router as well_known
from stack.postgres import PostgresSettings
from stack.redis import RedisSettings, clients


def create_app(postgres: PostgresSettings | None = None) -> FastAPI:
    """The application; its connection pool opens and closes with its lifespan.

    It starts while Postgres is away: ``/health/ready`` and every route say 503 until it is back.
    Raises ``Misconfigured`` for a plugin that fails and for an unknown name in ``LMS_SERVICES``.
    """
    plugins.check()
    settings = postgres or PostgresSettings()
    stopping = Stopping()
    limits, kept = LimitSettings(), CacheSettings()
    redis_url = RedisSettings().url
    last_seen = LastSeen(kept.seen_every_s)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(refuse_bypass, settings.app_url)
        tracer = tracing.start("lms")
        reading = asyncio.create_task(keep_reading(ring))
        try:
            async with pools.opened(settings) as found:
                app.state.pools, app.state.pool = found, found.primary
                with stopping.on_signals():
                    async with (
                        operations.watched(**found.named()),
                        operations.until_the_end(last_seen.keep_writing(found.primary)),
                    ):
                        yield
        finally:
            reading.cancel()
            tracing.stop(tracer)

    app = FastAPI(
        title="Learnstream LMS",
        version="1",
        description="Users, courses, content, enrollments and assessment. Every change is also an "
        "event in Kafka.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # ours loads nothing from elsewhere (operations.py)
        redoc_url=None,
    )
    # The last one added is the first to see a request.
    app.add_middleware(BodyGate)
    app.add_middleware(Seen, last_seen=last_seen)
    buckets = Buckets(clients(redis_url, limits.timeout_s), limits)
    app.add_middleware(RateLimits, buckets=buckets, settings=limits)
    app.state.cache = Cache(clients(redis_url, kept.timeout_s), kept)
    ring = app.state.ring = KeyRing(settings.app_url)
    app.add_middleware(Gateway, schemes=[by_api_key(lambda: app.state.pool), by_token(ring)])
    app.add_middleware(CacheControl)
    app.add_middleware(Streams, stopping=stopping)
    app.add_middleware(Telemetry)
    problems.install(app)
    openapi.install(app)
    for router in services.routers():
        routing.add(app, router, prefix="/api/v1")
    for router in services.routers("public"):
        app.include_router(router)
    app.include_router(well_known)
    app.include_router(operations.health(app, stopping))
    return app
