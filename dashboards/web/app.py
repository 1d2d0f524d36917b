"""The application: the pages, and the API that they ask, behind the gateway.

It has no rights of its own: it asks the LMS and serving with the token of the person signed in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from redis.exceptions import RedisError

from dashboards.web import learners, pages, panels, signing
from dashboards.web.behind import Behind
from dashboards.web.poller import Poller
from dashboards.web.sessions import Cookie, Sessions
from dashboards.web.visit import Scopes, Web, found_by
from gateway import openapi
from gateway.app import PLAIN, install
from gateway.caller import Caller
from gateway.limits.middleware import Extra
from gateway.limits.settings import LimitSettings
from gateway.operations import NotReady
from gateway.remote_keys import RemoteKeys
from stack import tls
from stack.http import DASHBOARDS_PORT, HttpSettings
from stack.redis import async_client

COOKIE: openapi.Schemes = {
    "sessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "learnstream",
        "description": "What signing in sets (`__Host-learnstream` over TLS). What changes "
        "something has to come from our own pages",
    }
}


def create_app() -> FastAPI:
    """The application over the LMS, serving and Redis that the settings name."""
    settings, limits = HttpSettings(), LimitSettings()
    cookie = Cookie.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(
                base_url=settings.lms_url, timeout=10, verify=tls.client_context()
            ) as to_lms,
            httpx.AsyncClient(
                base_url=settings.serving_url, timeout=10, verify=tls.client_context()
            ) as to_serving,
        ):
            lms = Behind(to_lms)
            web = Web(
                settings=settings,
                cookie=cookie,
                lms=lms,
                serving=Behind(to_serving),
                sessions=Sessions(lms, async_client()),
                poller=Poller(lms),
                scopes=Scopes(lms),
            )
            app.state.web = web
            yield
            await web.poller.close()

    app = FastAPI(
        title="Learnstream dashboards",
        version="1",
        description="Panels and learners' pages, for whoever is signed in.",
        lifespan=lifespan,
        servers=openapi.servers(DASHBOARDS_PORT),
        **PLAIN,
    )
    install(
        app,
        name="dashboards",
        ready=_ready,
        keys=RemoteKeys(),
        found=found_by(cookie),
        credentials={**openapi.ACCESS_TOKEN, **COOKIE},
        limits=limits,
        extras=[Extra("login", limits.login, _tries_a_secret, by_address=True)],
    )
    for router in (pages.router, signing.router, panels.router, learners.router):
        app.include_router(router)
    return app


async def _ready() -> dict[str, Any]:
    """Ready while Redis, which holds the sessions, answers; the pages' data depends on the LMS."""
    try:
        await async_client().ping()
    except (RedisError, OSError) as error:
        raise NotReady(redis=type(error).__name__) from error
    return {}


def _tries_a_secret(method: str, path: str, caller: Caller | None) -> bool:
    return method == "POST" and path.startswith(signing.PATH)
