"""What is written to Redis: sums that replace earlier ones, and sets that only grow.

A learner is added to the minute of their last moment. That of a learner whose clock is ahead is the
moment of the message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection
from redis import Redis
from redis.client import Pipeline

from contracts.live import (
    FILLED,
    FILLED_S,
    KEPT_S,
    MINUTES,
    learners_key,
    minute_of,
    rows_key,
    sums_key,
)
from contracts.tiles import GENERATION
from stack import pseudonyms
from stack.queries import load

AHEAD = timedelta(minutes=5)
"""A clock may be so far ahead: its events are found when their minute comes."""
_COUNT = Path(__file__).with_name("count.lua").read_text(encoding="utf-8")
_SQL = load(__file__, "last_hour.sql")


class Sum(NamedTuple):
    """A row of ``contracts.live.TABLE``."""

    institution_id: str
    course_id: str
    at: datetime
    kind: str
    part: int
    events: int


class Presence(NamedTuple):
    """A learner was active in a course."""

    institution_id: str
    course_id: str
    user_id: str
    at: datetime


class LiveCounters:
    """Writes the live counters; errors of Redis and of the database pass through."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._count = client.register_script(_COUNT)
        self._generation = 0
        self._pseudonyms: pseudonyms.Pseudonyms = {}

    def kept(self) -> bool:
        """Whether Redis still has all that was written; says so to readers for a while."""
        return bool(self._redis.expire(FILLED, FILLED_S))

    def fill(self, connection: Connection[Any]) -> int:
        """Write the last hour as the database has it; returns how many rows it was.

        Call ``filled`` once later messages are sure to be read.
        """
        now = datetime.now(UTC)
        values = {"now": now, "since": _first(now), "until": now + AHEAD}
        [(known,)] = connection.execute(_SQL["generation"].encode()).fetchall()
        self._generation = max(known, self._generation)
        self._pseudonyms = pseudonyms.read(connection)
        sums = [Sum(*row) for row in connection.execute(_SQL["sums"].encode(), values)]
        present = [Presence(*row) for row in connection.execute(_SQL["learners"].encode(), values)]
        self._write(sums, present, anew=True)
        return len(sums) + len(present)

    def filled(self) -> None:
        self._redis.set(FILLED, 1, ex=FILLED_S)

    def write(self, sums: Iterable[Sum], present: Iterable[Presence]) -> bool:
        """Take in what the jobs published; False: first ``fill``, for a job was counted anew."""
        now = datetime.now(UTC)
        first, last = _first(now), now + AHEAD
        recent = [one for one in sums if first <= one.at <= last]
        newest = max((one.part // GENERATION for one in recent), default=0)
        if newest > self._generation:
            self._generation = newest
            return False
        # What a job counted before it was counted anew is part of other rows now.
        current = [one for one in recent if one.part // GENERATION == self._generation]
        self._write(current, [one for one in present if one.at >= first], anew=False)
        return True

    def _write(self, sums: Iterable[Sum], present: Iterable[Presence], anew: bool) -> None:
        by_minute: dict[tuple[str, int], dict[tuple[str, str, int], int]] = defaultdict(dict)
        for one in sums:
            rows = by_minute[one.institution_id, minute_of(one.at)]
            rows[one.course_id, one.kind, one.part] = one.events  # the last one counts
        learners: dict[tuple[str, str | None, int], set[str]] = defaultdict(set)
        present = list(present)
        new = pseudonyms.among((one.user_id for one in present), self._pseudonyms)
        for here in present:
            for course_id in (None, here.course_id):
                place = here.institution_id, course_id, minute_of(here.at)
                learners[place].add(new.get(here.user_id, here.user_id))
        with self._redis.pipeline(transaction=False) as pipe:
            for (institution_id, minute), rows in by_minute.items():
                self._sum(pipe, institution_id, minute, rows, anew)
            for place, ids in learners.items():
                key = learners_key(*place)
                if anew:
                    pipe.delete(key)
                pipe.pfadd(key, *ids)
                pipe.expireat(key, place[2] * 60 + KEPT_S)
            pipe.execute()

    def _sum(
        self,
        pipe: Pipeline,
        institution_id: str,
        minute: int,
        rows: dict[tuple[str, str, int], int],
        anew: bool,
    ) -> None:
        keys = rows_key(institution_id, minute), sums_key(institution_id, minute)
        if anew:
            pipe.delete(*keys)
        args: list[str | int] = [minute * 60 + KEPT_S]
        for (course_id, kind, part), events in rows.items():
            args += [f"{course_id}:{kind}:{part}", course_id, events]
        self._count(keys=keys, args=args, client=pipe)


def _first(now: datetime) -> datetime:
    """The beginning of the first minute that readers find."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
