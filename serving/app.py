"""The application: its components, its background tasks, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from prometheus_client import Gauge

from features.online_windows import OnlineWindows
from gateway import openapi
from gateway.app import PLAIN, install
from gateway.caller import Caller
from gateway.limits.middleware import Extra
from gateway.operations import NotReady, Ready
from gateway.remote_keys import RemoteKeys
from serving import routes
from serving.catalogue import Catalogue
from serving.components import Components
from serving.feedback import Feedback, Outlet
from serving.followers import CatalogueFollower, every
from serving.forgetting import Forgetting
from serving.lms import Lms
from serving.model import LiveModel
from serving.popularity import Popularity
from serving.recommend import Recommender
from serving.relations import Relations
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import SignalReader
from stack import redis as stack_redis
from stack.http import SERVING_PORT
from stack.profile import profile

log = logging.getLogger("serving")

FATES = ("published", "failed", "dropped")
OUTLET = Gauge("serving_outlet_events", "Recommendation events by fate", ["fate"])


def create_app() -> FastAPI:
    """The application over the LMS, Redis, Kafka and the artefacts that the settings name."""
    settings = ServingSettings()
    app = FastAPI(
        title="Learnstream serving",
        description="Recommendations and search for learners.",
        version="1",
        lifespan=_lifespan,
        servers=openapi.servers(SERVING_PORT),
        **PLAIN,
    )
    install(
        app,
        name="serving",
        ready=_ready(app),
        keys=RemoteKeys(),
        extras=[Extra("offers", settings.offers, _asks_for_offers)],
    )
    app.include_router(routes.router)
    return app


def _asks_for_offers(method: str, path: str, caller: Caller | None) -> bool:
    person = caller is not None and caller.kind == "person"
    return person and path == "/api/v1/recommendations"


def _ready(app: FastAPI) -> Ready:
    async def can_answer() -> dict[str, Any]:
        """It can answer; `degraded` components make answers poorer, not wrong."""
        components: Components = app.state.components
        model = components.live.current
        missing = [
            components.live.problem,
            None if components.index.ready else "the semantic index is not open",
        ]
        outlet = components.outlet
        facts = {
            "courses": len(components.catalogue.courses),
            "items": len(components.catalogue.items),
            "indexed": components.index.size,
            "model": None if model is None else model.name,
            "trained_until": None if model is None else model.trained_until,
            "degraded": [problem for problem in missing if problem],
            "events": {fate: getattr(outlet, fate) for fate in FATES},
        }
        if not components.catalogue.loaded:
            raise NotReady(waits_for="the LMS's catalogue", **facts)
        return facts

    return can_answer


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = ServingSettings()
    artefacts = profile().artefacts
    client = stack_redis.new_async_client(
        socket_timeout=2.0,  # background reads; an answer's own deadline is shorter
        socket_connect_timeout=settings.redis_timeout_s,
    )
    lms = Lms(settings)
    catalogue = Catalogue(copy_at=artefacts / "catalogue.json")
    live = LiveModel(artefacts / "recommender")
    popularity, index, outlet = Popularity(), SemanticIndex(), Outlet()
    signals = SignalReader(lms, client, settings)
    online = OnlineWindows(client)
    feedback = Feedback(outlet, client, settings)

    def forget(user_id: str) -> None:
        loop.call_soon_threadsafe(signals.forget, user_id)
        loop.call_soon_threadsafe(feedback.forget, user_id)

    loop = asyncio.get_running_loop()
    forgetting = Forgetting(forget)
    follower = CatalogueFollower(catalogue, lms, index, settings.catalogue_refresh_s)
    app.state.components = Components(
        settings,
        catalogue,
        live,
        index,
        signals,
        Recommender(signals, catalogue, live, popularity, index, settings),
        feedback,
        outlet,
        Relations(lms),
    )
    for fate in FATES:
        OUTLET.labels(fate).set_function(partial(getattr, outlet, fate))
    beside = [
        every(settings.catalogue_refresh_s, follower.refresh, "catalogue"),
        every(settings.model_refresh_s, lambda: asyncio.to_thread(live.refresh), "model"),
        every(
            settings.popularity_refresh_s,
            lambda: popularity.refresh(online, list(catalogue.items)),
            "popularity",
        ),
        every(settings.forgetting_s, lambda: asyncio.to_thread(forgetting.step), "forgetting"),
        follower.follow(),
        follower.index(),
    ]
    tasks = [asyncio.create_task(step) for step in beside]
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(forgetting.close)
        lost = await asyncio.to_thread(outlet.close)
        if lost:
            log.warning("%d recommendation events could not be published", lost)
        await index.close()
        await lms.close()
        await client.aclose()


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a background task ended: %s", error, exc_info=error)
