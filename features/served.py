"""What serving read, kept for a while to be compared with what the archive says
(``features.skew``).

A hash per view and first id (of a person, if the view is about people): moment and further ids →
features. Entities are sampled by a hash of their ids, so that one who is in the sample is always
in it. People are named by keys alone: erasure renames one, and withdrawing consent deletes it.
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
    """The hash that has one entity's served features."""
    return f"{_HEAD}{view.name}:{ids[0]}"


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
                    field = "/".join((str(at_us), *ids[1:]))
                    pipe.hset(key(view, ids), field, json.dumps(row))
                    pipe.expire(key(view, ids), int(self._settings.skew_kept_days * 86_400))
                await pipe.execute()
        return len(chosen)


def of_people(user_ids: Sequence[str]) -> list[str]:
    """The keys of what was served about these people."""
    views = [view for view in WINDOW_VIEWS.values() if view.entity.keys[0] == "user_id"]
    return [key(view, (user_id,)) for user_id in user_ids for view in views]


def read(client: Redis) -> Iterator[Served]:
    """All that is kept."""
    for place in client.scan_iter(match=f"{_HEAD}*", count=_MOST):
        name, _, first = place.decode().removeprefix(_HEAD).partition(":")
        view = WINDOW_VIEWS.get(name)
        if view is not None:
            kept: Any = client.hgetall(place)
            for field, row in kept.items():
                at_us, *others = field.decode().split("/")
                moment = datetime.fromtimestamp(int(at_us) / 1e6, UTC)
                yield Served(view, (first, *others), moment, json.loads(row))
