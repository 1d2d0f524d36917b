"""How long takes a refresh of a course for its learners' features, and how fast are they read?

Needs Redis and PostgreSQL of a profile with features registered. A made-up course of
``LMS_BENCH_LEARNERS`` learners, each with tiles of 35 days and 50 opened items: ``refresh_s`` is
how long the course takes that changed (``features.course_push``), ``read`` one learner's features
relative to the course, in one round trip.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from datetime import UTC, datetime, timedelta

from contracts.errors import Retryable
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.tiles import LEARNER_TILES, TileRow, part_of
from features.catalogue import WINDOW_VIEWS
from features.course_push import CoursePusher
from features.online_windows import OnlineWindows
from features.tile_push import TilePusher, current
from stack import postgres
from stack import redis as stack_redis

LEARNERS = int(os.environ.get("LMS_BENCH_LEARNERS", "1500"))
DAYS, ITEMS, READS = 35, 50, 1_000
_ENROLLED = """
INSERT INTO learner_course (institution_id, course_id, user_id, enrolled_at, last_enrolled_at)
SELECT %s, %s, unnest(%s::uuid[]), %s, %s
"""
_OPENED = """
INSERT INTO learner_item (user_id, course_id, item_id, institution_id, first_at)
SELECT who, %s, item, %s, %s FROM unnest(%s::uuid[]) who, unnest(%s::uuid[]) item
"""


def run() -> dict[str, float | int]:
    course, now = new_id(), datetime.now(UTC)
    users, items = [new_id() for _ in range(LEARNERS)], [new_id() for _ in range(ITEMS)]
    since, client = now - timedelta(days=DAYS), stack_redis.client()
    with postgres.connect_analytics(autocommit=True) as connection:
        connection.execute(_ENROLLED.encode(), [DEFAULT_INSTITUTION, course, users, since, since])
        connection.execute(_OPENED.encode(), [course, DEFAULT_INSTITUTION, since, users, items])
        pusher, count = TilePusher(client), current(connection, LEARNER_TILES)
        part = part_of(time.time(), count.generation, count.part_s)
        hour = int(now.timestamp()) // 3600
        for start in range(0, LEARNERS, 100):
            rows = [
                TileRow(
                    LEARNER_TILES.name, DEFAULT_INSTITUTION, user, course, hour - 24 * day, part,
                    tuple([number + day + 1] * len(LEARNER_TILES.columns)),
                )
                for number, user in enumerate(users[start : start + 100])
                for day in range(DAYS)
            ]  # fmt: skip
            pusher.write(connection, [(row, int(time.time() * 1000)) for row in rows])
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            CoursePusher(client).write(connection, [course])
            seconds.append(time.perf_counter() - began)
    reads = asyncio.run(_reads(users, course))
    return {
        "learners": LEARNERS,
        "refresh_s": round(statistics.median(seconds), 3),
        "read_p50_ms": round(statistics.quantiles(reads, n=100)[49] * 1000, 2),
        "read_p99_ms": round(statistics.quantiles(reads, n=100)[98] * 1000, 2),
        "load": round(os.getloadavg()[0], 1),
    }


async def _reads(users: list[str], course: str) -> list[float]:
    view, seconds = WINDOW_VIEWS["learner_course_relative"], []
    async with stack_redis.new_async_client() as client:
        online = OnlineWindows(client)
        for number in range(READS + 20):
            began = time.perf_counter()
            [[row]] = await online.read((view, [(users[number % LEARNERS], course)]))
            seconds.append(time.perf_counter() - began)
            if row is None or row["opened_pace"] is None:
                raise Retryable("what was refreshed is not readable: does Redis answer?")
    return seconds[20:]
