"""What the ranker reads about one request: one round trip to Redis, as of now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import redis.exceptions
from redis import asyncio as redis_asyncio

from contracts.feature_views import Value
from features.online_windows import Ids, OnlineWindows
from features.recommender.candidates import ITEM, LEARNER, Columns
from features.served import ServedLog
from features.settings import FeatureSettings
from features.windowed import WindowView

log = logging.getLogger("serving")

Rows = Sequence[dict[str, Value] | None]


@dataclass(frozen=True)
class Windows:
    """The learner's features, one value each, and those of the candidates in their order."""

    learner: Columns
    items: Columns


class WindowReader:
    """Reads the features, and keeps the sampled part for the comparison with the archive."""

    def __init__(self, client: redis_asyncio.Redis, clock: Callable[[], float] = time.time) -> None:
        self._online = OnlineWindows(client)
        self._served = ServedLog(client, FeatureSettings())
        self._clock = clock
        self._keeping: set[asyncio.Task[None]] = set()

    async def read(self, user_id: str, item_ids: Sequence[str]) -> Windows:
        """Call it for who agrees to it: what was read is kept. Redis' errors pass through."""
        at = self._clock()
        wanted: list[tuple[WindowView, list[Ids]]] = [
            (LEARNER, [(user_id,)]),
            (ITEM, [(item_id,) for item_id in item_ids]),
        ]
        answers = await self._online.read(*wanted, at=at)
        keeping = asyncio.create_task(self._keep(wanted, answers, int(at * 1e6)))
        self._keeping.add(keeping)  # the loop holds a task weakly
        keeping.add_done_callback(self._keeping.discard)
        return Windows(columns(LEARNER, answers[0]), columns(ITEM, answers[1]))

    async def kept(self) -> None:
        """Wait until all that was read so far is kept."""
        await asyncio.gather(*self._keeping)

    async def _keep(
        self, wanted: Sequence[tuple[WindowView, list[Ids]]], answers: Sequence[Rows], at_us: int
    ) -> None:
        try:
            for (view, ids), rows in zip(wanted, answers, strict=True):
                await self._served.add(view, ids, rows, at_us)
        except (redis.exceptions.RedisError, OSError) as error:
            log.debug("what was served is not kept: %s", error)


def columns(view: WindowView, rows: Rows) -> Columns:
    """Values by feature; NaN is null."""
    return {
        name: np.array([_number(None if row is None else row[name]) for row in rows], dtype=float)
        for name in view.features
    }


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
