"""Live counters in Redis: events per minute and active learners, per course and institution.

    live:{institution}:{minute}            hash: course id → events in that minute
    live:{institution}:{minute}:learners   HyperLogLog of learner ids
    live:{institution}:{course}:{minute}:learners   the same for one course

``minute`` is Unix minutes. Counts are written as TimescaleDB has them (``course_learners_minute``),
never added to, and learners into sets: writing twice changes nothing. After a crash between commit
and Redis, or when Redis comes back empty, the last hour is written again. All keys expire.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import redis
from psycopg import Connection

from stack import redis as stack_redis
from stack.queries import load

log = logging.getLogger("pipelines.derive")

KEPT_S = 2 * 3600
"""Keys expire this long after their last change."""
ACTIVE_MINUTES = 5
"""A learner with an event within so many minutes is active now."""

_MARK = "live:writer"
_SQL = load(__file__, "live.sql")

Presence = tuple[datetime, str, str, str]
"""Minute, institution, course, learner."""


class LiveCounters:
    """Written after each step; never stops the derivation: it writes again what Redis missed."""

    def __init__(self) -> None:
        self._redis = stack_redis.client(socket_timeout=2.0, socket_connect_timeout=1.0)
        self._token = uuid.uuid4().hex
        self._whole = False
        """Whether Redis has the last hour, as far as this writer knows."""

    def close(self) -> None:
        self._redis.close()

    @staticmethod
    def recent(connection: Connection[Any]) -> list[Presence]:
        """Who has events of the last hour in the step in progress; call it before the commit."""
        return connection.execute(_SQL["recent"].encode()).fetchall()

    def write(self, connection: Connection[Any], upto: int, recent: Sequence[Presence]) -> None:
        """Bring Redis up to the step that ended at batch ``upto``."""
        try:
            if not self._whole or self._redis.get(_MARK) != self._token.encode():
                recent = connection.execute(_SQL["all_recent"].encode(), {"upto": upto}).fetchall()
            self._write(connection, recent)
            self._whole = True
        except redis.RedisError as error:
            if self._whole:
                log.warning("live counters wait for Redis: %s", error)
            self._whole = False

    def _write(self, connection: Connection[Any], recent: Sequence[Presence]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        if recent:
            pairs = {(institution, course) for _, institution, course, _ in recent}
            counts = connection.execute(
                _SQL["counts"].encode(),
                {
                    "minutes": list({minute for minute, *_ in recent}),
                    "institutions": [institution for institution, _ in pairs],
                    "courses": [course for _, course in pairs],
                },
            )
            for minute, institution, course, events, _ in counts:
                key = f"live:{institution}:{_number(minute)}"
                pipe.hset(key, course, events)
                pipe.expire(key, KEPT_S)
        for minute, institution, course, learner in recent:
            for key in (
                f"live:{institution}:{_number(minute)}:learners",
                f"live:{institution}:{course}:{_number(minute)}:learners",
            ):
                pipe.pfadd(key, learner)
                pipe.expire(key, KEPT_S)
        pipe.set(_MARK, self._token, ex=KEPT_S)
        pipe.execute()


def read(
    client: redis.Redis, institution: str, course: str | None = None, now: datetime | None = None
) -> dict[str, float]:
    """What is going on in an institution, or in one of its courses.

    ``active_learners`` is an estimate (HyperLogLog, standard error 0.81 %), ``events_last_minute``
    of the last whole minute, ``events_per_s`` over the active minutes.
    """
    current = _number(now or datetime.now(UTC))
    minutes = range(current - ACTIVE_MINUTES + 1, current + 1)
    place = f"{institution}:{course}" if course else institution
    pipe = client.pipeline(transaction=False)
    pipe.pfcount(*(f"live:{place}:{minute}:learners" for minute in minutes))
    for minute in minutes:
        key = f"live:{institution}:{minute}"
        pipe.hmget(key, [course]) if course else pipe.hvals(key)
    active, *found = pipe.execute()
    events = [sum(int(value) for value in values if value is not None) for values in found]
    seconds = (ACTIVE_MINUTES - 1) * 60 + (now or datetime.now(UTC)).second + 1
    return {
        "active_learners": int(active),
        "events_last_minute": events[-2],
        "events_per_s": sum(events) / seconds,
    }


def minute_counts(client: redis.Redis, institution: str, minute: datetime) -> dict[str, int]:
    """Events of one minute by course, as Redis has them."""
    found: dict[bytes, bytes] = client.hgetall(  # type: ignore[assignment]
        f"live:{institution}:{_number(minute)}"
    )
    return {course.decode(): int(events) for course, events in found.items()}


def _number(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
