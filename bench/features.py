"""How fresh is a tile online, how fast are features read, and how fast are tiles taken in?

Needs an empty profile that is up with its jobs. ``commit_to_learner`` is the way of an event, at
``LMS_BENCH_PER_S`` a second for ``LMS_BENCH_SECONDS``: from the return of its COMMIT in the LMS's
database, over Kafka, Flink, ``lms.features`` and the process `features`, until a reader who asks
Redis every 50 ms finds it in the windows of its learner (of 20 learners, all of whose events are
followed); ``commit_to_course`` until it is in those of its course, and ``commit_to_table`` until it
is in the table `learner_tiles`, which Flink writes beside them.

Then, with made-up learners and items with 35 days of tiles: ``push_rows_per_s`` is how many tiles a
second go from their messages into Redis; ``read_learner`` is all windows of one learner and of one
course of theirs, ``read_100_items`` those of a hundred items, each one question and one round trip;
``tile`` is how long from publishing a tile to finding it in the windows, at the same rate: what the
pusher has of the way above.
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

from bench import freshness
from bench.freshness import DEADLINE_S, PER_S
from bench.spine import must_be_empty
from contracts.errors import Retryable
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.tiles import ITEM_TILES, LEARNER_TILES, TileTable, decode, part_of
from contracts.topics import FEATURES
from features import consent, online_windows
from features.catalogue import WINDOW_VIEWS
from features.online_windows import OnlineWindows
from features.tile_push import TilePusher, current
from features.windowed import WindowView
from stack import kafka, postgres
from stack import redis as stack_redis

FOLLOWED = 20
LEARNERS, ITEMS, COURSES, DAYS, HOURS = 200, 100, 5, 35, 3
READS = 1_000
FRESH_S = 10


def run() -> dict[str, float | int | str]:
    must_be_empty()
    by_flink = _by_flink()
    users, items = [new_id() for _ in range(LEARNERS)], [new_id() for _ in range(ITEMS)]
    courses = [new_id() for _ in range(COURSES)]
    messages = [
        *_messages(LEARNER_TILES, users, courses),
        *_messages(ITEM_TILES, items, courses),
    ]
    pushed_s = _push(messages)
    one, hundred = asyncio.run(_reads(users, items, courses))
    fresh = asyncio.run(_freshness(courses[0]))
    return by_flink | {
        "tiles": len(messages),
        "push_rows_per_s": round(len(messages) / pushed_s),
        "read_learner_p50_ms": _ms(one, 50),
        "read_learner_p99_ms": _ms(one, 99),
        "read_100_items_p50_ms": _ms(hundred, 50),
        "read_100_items_p99_ms": _ms(hundred, 99),
        "tile_p50_ms": _ms(fresh, 50),
        "tile_p99_ms": _ms(fresh, 99),
        "load": round(os.getloadavg()[0], 1),
    }


def _by_flink() -> dict[str, float | int | str]:
    """The whole way of an event, by the jobs that run."""
    made, total = freshness.Made(), PER_S * (freshness.SECONDS + freshness.WARM_UP_S)
    followed = [n for n in range(total) if n % freshness.LEARNERS < FOLLOWED]
    learner, course = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["course_windows"]
    watches = {
        "table": freshness.Watch(_in_table(made.institution_id), total),
        "learner": freshness.Watch(
            _sum(learner, "events_all", made.learners[:FOLLOWED]), len(followed)
        ),
        "course": freshness.Watch(_sum(course, "activity_all", made.courses), total),
    }
    for watch in watches.values():
        watch.start()
    commits = [at for _, at in freshness.write(made, total)]
    for watch in watches.values():
        watch.join(DEADLINE_S)
    warm_at = sorted(commits)[PER_S * freshness.WARM_UP_S]
    found: dict[str, float | int | str] = {
        "events_per_s": round(PER_S * freshness.SECONDS / (max(commits) - warm_at))
    }
    for name in watches:
        in_order = sorted(commits[n] for n in followed) if name == "learner" else sorted(commits)
        warm = sum(at < warm_at for at in in_order)
        found |= freshness.figures_of(name, watches[name].delays(in_order)[warm:])
    return found


def _in_table(institution_id: str) -> Callable[[], int]:
    connection = postgres.connect_analytics(autocommit=True)

    def count() -> int:
        row = connection.execute(
            "SELECT coalesce(sum(events), 0)::int FROM learner_tiles WHERE institution_id = %s",
            [institution_id],
        ).fetchone()
        return row[0] if row else 0

    return count


def _sum(view: WindowView, feature: str, ids: Sequence[str]) -> Callable[[], int]:
    client, wanted = stack_redis.client(), (view, [(one,) for one in ids])

    def count() -> int:
        [found] = online_windows.read(client, wanted)
        return sum(int(row[feature] or 0) for row in found if row)

    return count


def message(
    table: TileTable, entity_id: str, course_id: str, hour: datetime, part: int, n: int
) -> bytes:
    """A tile as the job publishes it."""
    at = f"{hour:%Y-%m-%dT%H}"
    return json.dumps(
        {
            "tiles": table.name,
            "institution_id": DEFAULT_INSTITUTION,
            table.id_column: entity_id,
            "course_id": course_id,
            "hour_at": f"{at}:00:00Z",
            "part": part,
            **dict.fromkeys(table.columns, n),
            "first_at": f"{at}:10:00Z",
            "last_at": f"{at}:50:00.5Z",
        }
    ).encode()


def _messages(table: TileTable, ids: Sequence[str], courses: Sequence[str]) -> list[bytes]:
    now, part = datetime.now(UTC), _part(table)
    return [
        message(
            table,
            one,
            courses[number % COURSES],
            now - timedelta(days=day, hours=hour),
            part,
            day + hour + 1,
        )
        for number, one in enumerate(ids)
        for day in range(DAYS)
        for hour in range(HOURS)
    ]


def _part(table: TileTable) -> int:
    with postgres.connect_analytics() as connection:
        count = current(connection, table)
    return part_of(time.time(), count.generation, count.part_s)


def _push(messages: Sequence[bytes]) -> float:
    """Seconds from messages to Redis: parsing, consent, writing."""
    pusher = TilePusher(stack_redis.client())
    with postgres.connect_analytics(autocommit=True) as connection:
        pusher.ready(connection)
        now_ms = int(time.time() * 1000)
        began = time.perf_counter()
        with consent.writing(connection):
            pusher.write(connection, [(decode(one), now_ms) for one in messages])
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
    now, part, seconds = datetime.now(UTC), _part(ITEM_TILES), []
    async with stack_redis.new_async_client() as client:
        online = OnlineWindows(client)
        for _ in range(FRESH_S * 5):
            began = time.perf_counter()
            for _ in range(PER_S // 5):
                item = new_id()
                tile = message(ITEM_TILES, item, course, now, part, 1)
                producer.produce(FEATURES.name, key=item, value=tile)
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
