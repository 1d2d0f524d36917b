"""Reads windowed features from Redis: one round trip for all views, merged as of the moment of
asking.

A learner, an item and a course have a hash each. A field is a tile: course (16 bytes, zero but for
learners), grain (1 byte), when it begins (hours since 1970, 4 bytes, big endian); its value is the
columns as 8-byte integers, little endian. ``features/apply_tiles.lua`` writes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import redis
from redis import asyncio as redis_asyncio

from contracts.feature_views import Value
from features.windowed import WindowView
from features.windows import ALL, Merged, Tiles, tiles_of

NO_COURSE = bytes(16)
FIELD = np.dtype([("course", "V16"), ("grain", "u1"), ("begins", ">u4")])
_HEAD = "learnstream:tiles:"
_NAMED = 16
"""To ask for more tiles by name than so many costs more than to read the whole hash."""

Ids = tuple[str, ...]
"""The join keys of one entity, in the order of its view's ``entity.keys``."""
Hash = Mapping[bytes, bytes]


def key(holder: str, entity_id: str) -> str:
    """The hash of a ``learner``, an ``item`` or a ``course``."""
    return f"{_HEAD}{holder}:{entity_id}"


def written_key(holder: str, entity_id: str) -> str:
    """Their hour tiles as they came, for as long as these may change."""
    return f"{_HEAD}written:{holder}:{entity_id}"


def _holder(view: WindowView) -> str:
    return "learner" if view.entity.keys[0] == "user_id" else view.entity.name


def keys(view: WindowView, wanted: Sequence[Ids]) -> list[str]:
    """Of each entity the hash that has its tiles."""
    holder = _holder(view)
    return [key(holder, ids[0]) for ids in wanted]


class OnlineWindows:
    """Reads windowed views; a client is shared and safe for many tasks. ``clock`` gives seconds."""

    def __init__(self, client: redis_asyncio.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock

    async def read(
        self, *wanted: tuple[WindowView, Sequence[Ids]], at: float | None = None
    ) -> list[list[dict[str, Value] | None]]:
        """For each (view, entities): their features in order, None for one that is unknown.

        ``at`` is in seconds since 1970, or now.
        """
        at_us = int((self._clock() if at is None else at) * 1e6)
        questions = _questions(wanted, at_us)
        async with self._client.pipeline(transaction=False) as pipe:
            _ask(pipe, questions)
            found = _hashes(questions, await pipe.execute())
        return [merged(view, ids, found, at_us)[1] for view, ids in wanted]


def read(
    client: redis.Redis, *wanted: tuple[WindowView, Sequence[Ids]], at: float | None = None
) -> list[list[dict[str, Value] | None]]:
    """The same for a caller without an event loop."""
    at_us = int((time.time() if at is None else at) * 1e6)
    questions = _questions(wanted, at_us)
    with client.pipeline(transaction=False) as pipe:
        _ask(pipe, questions)
        found = _hashes(questions, pipe.execute())
    return [merged(view, ids, found, at_us)[1] for view, ids in wanted]


def _questions(
    wanted: Sequence[tuple[WindowView, Sequence[Ids]]], at_us: int
) -> dict[str, list[bytes]]:
    """The hashes to read and of each the fields, none for all of them."""
    found: dict[str, set[bytes]] = {}
    for view, ids in wanted:
        fields = _fields(view, at_us)
        for place in keys(view, ids):
            before = found.get(place, fields)
            found[place] = before | fields if before and fields else set()
    return {place: list(fields) for place, fields in found.items()}


def _fields(view: WindowView, at_us: int) -> set[bytes]:
    """The tiles that the view needs, where they are few and can be named: a learner's are kept by
    course."""
    tiles = tiles_of(view.windows, at_us)
    if _holder(view) == "learner" or len(tiles) > _NAMED:
        return set()
    return {field(NO_COURSE, *one) for one in (*tiles, (ALL, 0))}


def _ask(pipe: Any, questions: Mapping[str, list[bytes]]) -> None:
    for place, fields in questions.items():
        if fields:
            pipe.hmget(place, fields)
        else:
            pipe.hgetall(place)


def _hashes(questions: Mapping[str, list[bytes]], replies: Sequence[Any]) -> dict[str, Hash]:
    return {
        place: {one: value for one, value in zip(fields, reply, strict=True) if value is not None}
        if fields
        else reply
        for (place, fields), reply in zip(questions.items(), replies, strict=True)
    }


def merged(
    view: WindowView, wanted: Sequence[Ids], hashes: Mapping[str, Hash], at_us: int
) -> tuple[Merged, list[dict[str, Value] | None]]:
    """The windows and features of each entity as of one moment."""
    found = [hashes[place] for place in keys(view, wanted)]
    columns = view.tiles.columns
    fields = np.frombuffer(b"".join(b"".join(one) for one in found), dtype=FIELD)
    values = np.frombuffer(b"".join(b"".join(one.values()) for one in found), dtype="<i8")
    values = values.reshape(-1, len(columns))
    asked = np.repeat(np.arange(len(found)), [len(one) for one in found])
    if "course_id" in view.entity.keys[1:]:
        courses = np.array([UUID(ids[1]).bytes for ids in wanted], dtype="V16")
        inside = fields["course"] == courses[asked]
        fields, values, asked = fields[inside], values[inside], asked[inside]
    tiles = Tiles(
        asked, fields["grain"].astype(np.int64), fields["begins"].astype(np.int64), values
    )
    windows = Merged(columns, tiles, np.full(len(wanted), at_us, dtype=np.int64))
    return windows, view.rows(windows)


def field(course: bytes, grain: int, begins: int) -> bytes:
    """A field's name."""
    return course + bytes([grain]) + (0 if grain == ALL else begins).to_bytes(4, "big")
