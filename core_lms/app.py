"""The LMS as an HTTP application: every context's routes under ``/api/v1``, and its health."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from core_lms import health, plugins, pools, services
from core_lms.access.role import refuse_bypass
from core_lms.api_keys.scheme import by_api_key
from core_lms.cache.last_seen import LastSeen, Seen
from core_lms.cache.settings import CacheSettings
from core_lms.cache.store import Cache
from gateway import openapi, routing
from gateway.app import PLAIN, install
from gateway.bodies import Bodies
from gateway.caller import Caller
from gateway.keys import KeyRing
from gateway.limits.middleware import Extra
from gateway.limits.settings import LimitSettings
from gateway.operations import until_the_end
from gateway.well_known import router as well_known
from stack.http import LMS_PORT
from stack.postgres import PostgresSettings
from stack.redis import RedisSettings, clients

BODIES = Bodies(
    streamed=re.compile(r"/api/v1/media/[^/]+/bytes"),
    forms=re.compile(r"/notifications/unsubscribe/[^/]+"),  # mail programs post one (RFC 8058)
)
CREDENTIALS = (
    "/api/v1/sessions",
    "/api/v1/registrations",
    "/api/v1/passwords",
    "/api/v1/sso",
)
UNGUESSABLE = "/api/v1/sessions/refresh"
"""Its secret has a code in it, and a school refreshes from one address all day."""


def tries_a_secret(method: str, path: str, caller: Caller | None) -> bool:
    """Whether a request tries a secret or sends a mail: the ``login`` rate counts it too."""
    return method == "POST" and path.startswith(CREDENTIALS) and path != UNGUESSABLE


def create_app(postgres: PostgresSettings | None = None) -> FastAPI:
    """The application; its connection pool opens and closes with its lifespan.

    It starts while Postgres is away: ``/health/ready`` and every route say 503 until it is back.
    Raises ``Misconfigured`` for a plugin that fails and for an unknown name in ``LMS_SERVICES``.
    """
    plugins.check()
    settings = postgres or PostgresSettings()
    limits, kept = LimitSettings(), CacheSettings()
    last_seen = LastSeen(kept.seen_every_s)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(refuse_bypass, settings.app_url)
        async with pools.opened(settings) as found:
            app.state.pools, app.state.pool = found, found.primary
            async with (
                health.watched(**found.named()),
                until_the_end(last_seen.keep_writing(found.primary)),
            ):
                yield

    async def lost() -> None:
        await app.state.pools.forget_lost()

    app = FastAPI(
        title="Learnstream LMS",
        version="1",
        description="Users, courses, content, enrollments and assessment. Every change is also an "
        "event in Kafka.",
        lifespan=lifespan,
        servers=openapi.servers(LMS_PORT),
        **PLAIN,
    )
    app.state.cache = Cache(clients(RedisSettings().url, kept.timeout_s), kept)
    ring = app.state.ring = KeyRing(settings.app_url)
    install(
        app,
        name="lms",
        ready=health.ready(app),
        keys=ring,
        schemes=[by_api_key(lambda: app.state.pool)],
        credentials={**openapi.ACCESS_TOKEN, **openapi.API_KEYS},
        limits=limits,
        extras=[Extra("login", limits.login, tries_a_secret, by_address=True)],
        bodies=BODIES,
        inside=[Middleware(Seen, last_seen=last_seen)],
        lost=lost,
    )
    for router in services.routers():
        routing.add(app, router, prefix="/api/v1")
    for router in services.routers("public"):
        app.include_router(router)
    app.include_router(well_known)
    return app
