"""Reads windowed features from Redis: one round trip for all views, merged as of the moment of
asking.

A learner, an item and a course have a hash each. A field is a tile: course (16 bytes, zero but for
learners), grain (1 byte), when it begins (hours since 1970, 4 bytes, big endian); its value is the
columns as 8-byte integers, little endian. ``features/apply_tiles.lua`` writes them.

How far a learner is in each course is a hash beside theirs, and each course has one that says how
its learners are spread; ``features/course_push.py`` writes these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import redis
from redis import asyncio as redis_asyncio

from contracts.feature_views import Value
from contracts.tiles import LEARNER_TILES, TileTable
from features.relative import Course, InCourse, Progress
from features.windowed import WindowView
from features.windows import ALL, Merged, Tiles, tiles_of

NO_COURSE = bytes(16)
FIELD = np.dtype([("course", "V16"), ("grain", "u1"), ("begins", ">u4")])
COURSE_FIELD = "course"
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


def progress_key(user_id: str) -> str:
    """How far a learner is: course → ``Progress``."""
    return f"{_HEAD}progress:{user_id}"


def spread_key(course_id: str) -> str:
    """What is known about a course: its ``COURSE_FIELD`` is ``Course``."""
    return f"{_HEAD}spread:{course_id}"


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
        if view.relative:
            found |= {progress_key(user_id): set() for user_id, _ in ids}
            found |= {spread_key(course_id): set() for _, course_id in ids}
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
    in_courses = [ids[1] for ids in wanted] if "course_id" in view.entity.keys[1:] else None
    tiles = _tiles(view.tiles, [hashes[place] for place in keys(view, wanted)], in_courses)
    at = np.full(len(wanted), at_us, dtype=np.int64)
    if not view.relative:
        windows = Merged(view.tiles.columns, tiles, at)
        return windows, view.rows(windows)
    courses = {course_id: _course(hashes[spread_key(course_id)]) for _, course_id in wanted}
    windows = InCourse(
        view.tiles.columns,
        tiles,
        at,
        [_progress(hashes[progress_key(user_id)], course_id) for user_id, course_id in wanted],
        [courses[course_id] for _, course_id in wanted],
    )
    return windows, view.rows(windows)


def in_course(
    client: redis.Redis,
    course_id: str,
    progress: Mapping[str, Progress],
    course: Course,
    at: float,
) -> InCourse:
    """Learners of one course by what Redis has of their tiles, and ``progress``, as of ``at``
    (seconds since 1970)."""
    with client.pipeline(transaction=False) as pipe:
        for user_id in progress:
            pipe.hgetall(key("learner", user_id))
        found: list[Any] = pipe.execute()
    return InCourse(
        LEARNER_TILES.columns,
        _tiles(LEARNER_TILES, found, [course_id] * len(found)),
        np.full(len(found), int(at * 1e6), dtype=np.int64),
        list(progress.values()),
        [course] * len(found),
    )


def _tiles(table: TileTable, found: Sequence[Hash], courses: Sequence[str] | None) -> Tiles:
    """The tiles of each hash; with ``courses`` those of one course each."""
    fields = np.frombuffer(b"".join(b"".join(one) for one in found), dtype=FIELD)
    values = np.frombuffer(b"".join(b"".join(one.values()) for one in found), dtype="<i8")
    values = values.reshape(-1, len(table.columns))
    asked = np.repeat(np.arange(len(found)), [len(one) for one in found])
    if courses is not None:
        wanted = np.array([UUID(course_id).bytes for course_id in courses], dtype="V16")
        inside = fields["course"] == wanted[asked]
        fields, values, asked = fields[inside], values[inside], asked[inside]
    return Tiles(asked, fields["grain"].astype(np.int64), fields["begins"].astype(np.int64), values)


def _progress(found: Hash, course_id: str) -> Progress | None:
    encoded = found.get(course_id.encode())
    return Progress(**orjson.loads(encoded)) if encoded else None


def _course(found: Hash) -> Course | None:
    encoded = found.get(COURSE_FIELD.encode())
    return Course(**orjson.loads(encoded)) if encoded else None


def field(course: bytes, grain: int, begins: int) -> bytes:
    """A field's name."""
    return course + bytes([grain]) + (0 if grain == ALL else begins).to_bytes(4, "big")
