"""How fast are features read online, and tiles taken in; and how fresh is a tile?

Needs Redis, PostgreSQL and Kafka of a profile with the process `features` up and nothing else in
it. Made-up learners and items with 35 days of tiles: ``read_learner`` is all windows of one
learner and of one course of theirs, ``read_100_items`` those of a hundred items, each one
question and one round trip; ``push_rows_per_s`` is how many tiles a second go from their
messages into Redis, and ``tile`` how long from publishing a tile to finding it in the windows,
at ``LMS_BENCH_PER_S`` a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.errors import Retryable
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.tiles import ITEM_TILES, LEARNER_TILES, TileTable, decode
from contracts.topics import FEATURES
from features import consent
from features.catalogue import WINDOW_VIEWS
from features.online_windows import OnlineWindows
from features.tile_push import TilePusher
from stack import kafka, postgres
from stack import redis as stack_redis

PER_S = int(os.environ.get("LMS_BENCH_PER_S", "1000"))
LEARNERS, ITEMS, COURSES, DAYS, HOURS = 200, 100, 5, 35, 3
READS = 1_000
FRESH_S = 10
DEADLINE_S = 30.0
_PART = 2_500


def run() -> dict[str, float | int | str]:
    users, items = [new_id() for _ in range(LEARNERS)], [new_id() for _ in range(ITEMS)]
    courses = [new_id() for _ in range(COURSES)]
    messages = [
        *_messages(LEARNER_TILES, users, courses),
        *_messages(ITEM_TILES, items, courses),
    ]
    pushed_s = _push(messages)
    one, hundred = asyncio.run(_reads(users, items, courses))
    fresh = asyncio.run(_freshness(courses[0]))
    return {
        "tiles": len(messages),
        "push_rows_per_s": round(len(messages) / pushed_s),
        "read_learner_p50_ms": _ms(one, 50),
        "read_learner_p99_ms": _ms(one, 99),
        "read_100_items_p50_ms": _ms(hundred, 50),
        "read_100_items_p99_ms": _ms(hundred, 99),
        "tiles_per_s": PER_S,
        "tile_p50_ms": _ms(fresh, 50),
        "tile_p99_ms": _ms(fresh, 99),
        "load": round(os.getloadavg()[0], 1),
    }


def message(table: TileTable, entity_id: str, course_id: str, hour: datetime, n: int) -> bytes:
    """A tile as the job publishes it."""
    at = f"{hour:%Y-%m-%dT%H}"
    return json.dumps(
        {
            "tiles": table.name,
            "institution_id": DEFAULT_INSTITUTION,
            table.id_column: entity_id,
            "course_id": course_id,
            "hour_at": f"{at}:00:00Z",
            "part": _PART,
            **dict.fromkeys(table.columns, n),
            "first_at": f"{at}:10:00Z",
            "last_at": f"{at}:50:00.5Z",
        }
    ).encode()


def _messages(table: TileTable, ids: Sequence[str], courses: Sequence[str]) -> list[bytes]:
    now = datetime.now(UTC)
    return [
        message(
            table,
            one,
            courses[number % COURSES],
            now - timedelta(days=day, hours=hour),
            day + hour + 1,
        )
        for number, one in enumerate(ids)
        for day in range(DAYS)
        for hour in range(HOURS)
    ]


def _push(messages: Sequence[bytes]) -> float:
    """Seconds from messages to Redis: parsing, consent, writing."""
    pusher = TilePusher(stack_redis.client())
    with postgres.connect_analytics(autocommit=True) as connection:
        pusher.ready(connection)
        began = time.perf_counter()
        with consent.writing(connection):
            pusher.write(connection, [(decode(one), 1) for one in messages])
        return time.perf_counter() - began


async def _reads(
    users: Sequence[str], items: Sequence[str], courses: Sequence[str]
) -> tuple[list[float], list[float]]:
    learner, in_course = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["learner_course_windows"]
    item = WINDOW_VIEWS["item_windows"]
    async with stack_redis.new_async_client() as client:
        online = OnlineWindows(client)

        async def of_learner(number: int) -> Any:
            user = users[number % LEARNERS]
            course = courses[number % LEARNERS % COURSES]
            return await online.read((learner, [(user,)]), (in_course, [(user, course)]))

        async def of_items(number: int) -> Any:
            return await online.read((item, [(one,) for one in items]))

        return await _timed(of_learner, READS), await _timed(of_items, READS // 4)


async def _timed(read: Callable[[int], Awaitable[Any]], count: int) -> list[float]:
    seconds = []
    for number in range(count + 20):
        began = time.perf_counter()
        answer = await read(number)
        seconds.append(time.perf_counter() - began)
        if answer[0][0] is None:
            raise Retryable("what was pushed is not readable: does Redis answer?")
    return seconds[20:]


async def _freshness(course: str) -> list[float]:
    """Seconds from publishing a tile to reading it, by asking again and again for the newest."""
    view, producer = WINDOW_VIEWS["item_windows"], kafka.producer()
    now, seconds = datetime.now(UTC), []
    async with stack_redis.new_async_client() as client:
        online = OnlineWindows(client)
        for _ in range(FRESH_S * 5):
            began = time.perf_counter()
            for _ in range(PER_S // 5):
                item = new_id()
                producer.produce(
                    FEATURES.name, key=item, value=message(ITEM_TILES, item, course, now, 1)
                )
            producer.flush(10)
            sent = time.perf_counter()
            while (await online.read((view, [(item,)])))[0][0] is None:
                if time.perf_counter() - sent > DEADLINE_S:
                    raise Retryable("no tile arrives: is the process `features` up?")
                await asyncio.sleep(0.005)
            seconds.append(time.perf_counter() - sent)
            await asyncio.sleep(max(0.0, began + 0.2 - time.perf_counter()))
    return seconds


def _ms(seconds: Sequence[float], percentile: int) -> float:
    return round(statistics.quantiles(seconds, n=100)[percentile - 1] * 1000, 2)
