"""One gateway for every HTTP process: ``install`` puts an application behind all of it.

From the outside in: counted and traced (``telemetry``), host, headers and request id (``front``),
streams that end with the process (``stopping``), who asks (``middleware``), how often (``limits``),
what body (``bodies``), then the route, which names its action (``actions``) and asks the policies
(``decision``). Errors leave as problem documents (``problems``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from contracts.errors import Retryable
from gateway import openapi, operations, problems, request_ids, routing
from gateway.bodies import JSON_ONLY, Bodies, BodyGate
from gateway.front import Front
from gateway.keys import REREAD_S
from gateway.limits.buckets import Buckets
from gateway.limits.middleware import Extra, RateLimits
from gateway.limits.settings import LimitSettings
from gateway.middleware import Found, Gateway, Scheme, by_token
from gateway.operations import Ready, until_the_end
from gateway.settings import FrontSettings
from gateway.stopping import Stopping, Streams
from gateway.telemetry import metrics, tracing
from gateway.telemetry.middleware import Telemetry
from gateway.tokens import Keys
from stack.redis import RedisSettings, clients

log = logging.getLogger("gateway")

PLAIN: dict[str, Any] = {
    "redirect_slashes": False,
    "docs_url": None,
    "redoc_url": None,
    "generate_unique_id_function": openapi.operation_id,
}
"""Arguments of every ``FastAPI``: the documentation is ours (``operations.py``, ``openapi.py``), a
path has one spelling."""

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "X-Institution-Id",
        request_ids.HEADER,
    ],
    "expose_headers": ["ETag", "RateLimit", "RateLimit-Policy", "Retry-After", request_ids.HEADER],
    "allow_credentials": False,
    "max_age": 600,
}


def install(
    app: FastAPI,
    *,
    name: str,
    ready: Ready,
    keys: Keys | None = None,
    schemes: Sequence[Scheme] = (),
    found: Found | None = None,
    credentials: openapi.Schemes = openapi.ACCESS_TOKEN,
    limits: LimitSettings | None = None,
    extras: Sequence[Extra] = (),
    bodies: Bodies = JSON_ONLY,
    inside: Sequence[Middleware] = (),
    lost: problems.Lost | None = None,
    registry: CollectorRegistry | None = None,
) -> Stopping:
    """Put ``app`` behind the gateway; call it once, before its routes are added.

    ``name`` is the process's in traces and limits. ``keys`` check access tokens: ``KeyRing`` where
    the LMS's database is, ``RemoteKeys`` elsewhere; without them the process only has health and
    metrics, and nobody is asked who they are. ``schemes`` are further credentials, asked first;
    ``found`` is where a token is in a request without an Authorization header; ``credentials`` says
    in the documentation what all of them are. ``extras`` are buckets besides the caller's own,
    ``inside`` middleware between the limits and the body. ``ready`` and ``lost``: see
    ``operations`` and ``problems``.
    """
    stopping = Stopping()
    front, limits = FrontSettings(), limits or LimitSettings()
    layers = [Middleware(Telemetry), Middleware(Front, hosts=front.hosts)]
    if front.cors_origins:
        layers.append(Middleware(CORSMiddleware, allow_origins=list(front.cors_origins), **CORS))
    layers.append(Middleware(Streams, stopping=stopping))
    if keys is not None:
        buckets = Buckets(clients(RedisSettings().url, limits.timeout_s), limits)
        layers += [
            Middleware(Gateway, schemes=[*schemes, by_token(keys)], found=found),
            Middleware(
                RateLimits, buckets=buckets, settings=limits, name=name, extras=tuple(extras)
            ),
        ]
    layers += [*inside, Middleware(BodyGate, bodies=bodies)]
    app.user_middleware[:0] = layers
    app.router.lifespan_context = routing.within(
        _running(name, keys, stopping), app.router.lifespan_context
    )
    problems.install(app, lost)
    openapi.install(app, credentials if keys is not None else {})
    # As shaped routes: they stand before the API's and must not be asked closely each time.
    routing.add(
        app, operations.health(ready, stopping, registry, documented=app.openapi_url is not None)
    )
    return stopping


def _running(name: str, keys: Keys | None, stopping: Stopping) -> Any:
    """What runs as long as the application does, around its own lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tracer = tracing.start(name)
        try:
            with stopping.on_signals():
                async with until_the_end(_keep_reading(keys)):
                    yield
        finally:
            metrics.end_of_process()
            tracing.stop(tracer)

    return lifespan


async def _keep_reading(keys: Keys | None) -> None:
    """Reread the keys, and rotate where it is time."""
    while keys is not None:
        try:
            await asyncio.to_thread(keys.refresh)
        except Retryable as error:
            log.warning("the signing keys were not reread", extra={"reason": error.message})
        await asyncio.sleep(REREAD_S)
