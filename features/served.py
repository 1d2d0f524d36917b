"""What serving read, kept for a while to be compared with what the archive says
(``features.skew``).

A hash per view and entity: moment → features. Entities are sampled by a hash of their ids, so
that one who is in the sample is always in it. Ids are in the key alone: erasure renames it, and
withdrawing consent deletes it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis import asyncio as redis_asyncio

from contracts.feature_views import Value
from features.catalogue import WINDOW_VIEWS
from features.online_windows import Ids
from features.settings import FeatureSettings
from features.windowed import WindowView

_HEAD = "learnstream:served:"
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Served:
    """What one answer was made from; features None where the entity was unknown."""

    view: WindowView
    ids: Ids
    at: datetime
    features: Mapping[str, Value] | None


def key(view: WindowView, ids: Ids) -> str:
    """The hash of one entity's served features."""
    return f"{_HEAD}{view.name}:{'/'.join(ids)}"


def sampled(ids: Ids, rate: float) -> bool:
    """Whether the entity is among the share ``rate`` of all."""
    return zlib.crc32("/".join(ids).encode()) < rate * 2**32


class ServedLog:
    """Keeps the sampled part of what serving reads."""

    def __init__(self, client: redis_asyncio.Redis, settings: FeatureSettings) -> None:
        self._client = client
        self._settings = settings

    async def add(
        self,
        view: WindowView,
        wanted: Sequence[Ids],
        rows: Sequence[Mapping[str, Value] | None],
        at_us: int,
    ) -> int:
        """Keep the rows of sampled entities; returns how many. Redis' errors pass through."""
        rate = self._settings.skew_rate
        chosen = [(ids, row) for ids, row in zip(wanted, rows, strict=True) if sampled(ids, rate)]
        if chosen:
            async with self._client.pipeline(transaction=False) as pipe:
                for ids, row in chosen:
                    pipe.hset(key(view, ids), str(at_us), json.dumps(row))
                    pipe.expire(key(view, ids), int(self._settings.skew_kept_days * 86_400))
                await pipe.execute()
        return len(chosen)


def of_people(client: Redis, user_ids: Sequence[str]) -> list[str]:
    """The keys of what was served about these people."""
    views = [view for view in WINDOW_VIEWS.values() if "user_id" in view.entity.keys]
    found: list[str] = []
    for user_id in user_ids:
        for view in views:
            pattern = f"{key(view, (user_id,))}*"
            found += [one.decode() for one in client.scan_iter(match=pattern, count=_MOST)]
    return found


def read(client: Redis) -> Iterator[Served]:
    """All that is kept."""
    for place in client.scan_iter(match=f"{_HEAD}*", count=_MOST):
        name, _, ids = place.decode().removeprefix(_HEAD).partition(":")
        view = WINDOW_VIEWS.get(name)
        if view is not None:
            kept: Any = client.hgetall(place)
            for at_us, row in kept.items():
                moment = datetime.fromtimestamp(int(at_us) / 1e6, UTC)
                yield Served(view, tuple(ids.split("/")), moment, json.loads(row))
