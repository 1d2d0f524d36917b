"""The application: its parts, what runs beside it, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from redis import asyncio as redis_asyncio

from features.online import OnlineFeatures
from serving import problems, routes
from serving.catalogue import Catalogue
from serving.feedback import Feedback, Outlet
from serving.followers import CatalogueFollower, every, refresh_popularity
from serving.forgetting import Forgetting
from serving.lms import Lms
from serving.model import LiveModel
from serving.popularity import Popularity
from serving.recommend import Recommender
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import SignalReader
from stack.profile import profile
from stack.redis import RedisSettings

log = logging.getLogger("serving")


@dataclass(frozen=True)
class Parts:
    """What the routes use."""

    settings: ServingSettings
    catalogue: Catalogue
    live: LiveModel
    index: SemanticIndex
    recommender: Recommender
    feedback: Feedback
    outlet: Outlet


def create_app() -> FastAPI:
    app = FastAPI(
        title="Learnstream serving",
        description="Recommendations and search for learners.",
        version="1",
        lifespan=_lifespan,
    )
    problems.install(app)
    app.include_router(routes.router)
    app.include_router(routes.health)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = ServingSettings()
    artefacts = profile().artefacts
    client = redis_asyncio.Redis.from_url(
        RedisSettings().url,
        socket_timeout=2.0,  # background reads; an answer's own deadline is shorter
        socket_connect_timeout=settings.redis_timeout_s,
    )
    lms = Lms(settings)
    catalogue = Catalogue(copy_at=artefacts / "catalogue.json")
    live = LiveModel(artefacts / "recommender")
    popularity, index, outlet = Popularity(), SemanticIndex(), Outlet()
    signals = SignalReader(lms, client, settings)
    online = OnlineFeatures(client)
    feedback = Feedback(outlet, client, settings)

    def forget(user_id: str) -> None:
        loop.call_soon_threadsafe(signals.forget, user_id)
        loop.call_soon_threadsafe(feedback.forget, user_id)

    loop = asyncio.get_running_loop()
    forgetting = Forgetting(forget)
    follower = CatalogueFollower(catalogue, lms, index, settings.catalogue_refresh_s)
    app.state.parts = Parts(
        settings,
        catalogue,
        live,
        index,
        Recommender(signals, catalogue, live, popularity, index, settings),
        feedback,
        outlet,
    )
    beside = [
        every(settings.catalogue_refresh_s, follower.refresh, "catalogue"),
        every(settings.model_refresh_s, lambda: asyncio.to_thread(live.refresh), "model"),
        every(
            settings.popularity_refresh_s,
            lambda: refresh_popularity(popularity, online, catalogue, live),
            "popularity",
        ),
        every(settings.forgetting_s, lambda: asyncio.to_thread(forgetting.step), "forgetting"),
        follower.follow(),
        follower.index(),
    ]
    tasks = [asyncio.create_task(step) for step in beside]
    for task in tasks:
        task.add_done_callback(_tell)
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


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a background task ended: %s", error, exc_info=error)
