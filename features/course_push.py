"""Refreshes in Redis what is known about courses and how far their learners are.

Every ``LMS_FEATURES_COURSE_REFRESH_S`` each course of which events came is refreshed, and once
more the next time, for the tables and the tiles lag each other; when a day (UTC) begins all are,
for the windows of learners who do nothing change too. The spread is made from the learners' tiles
in Redis by the functions that serve them. So an answer is as of the moment of asking for the
learner's own windows and for due dates, and older by up to two refreshes for everything else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from features import consent, courses, online_windows
from features.catalogue import WINDOW_VIEWS
from features.settings import FeatureSettings
from features.windowed import WindowView
from stack import postgres
from stack import redis as stack_redis
from stack.queries import load

STATE = "learnstream:features:courses"
"""How far the derivation was at the last two refreshes, and the day of the last."""
_DAY_S = 86_400
_LOCK = 0x4C53_0F04  # one process at a time; any constant no other lock of ours uses
_SQL = load(__file__, "sql/course_now.sql")

log = logging.getLogger("features.courses")


@dataclass(frozen=True, slots=True)
class _State:
    before: int = -1
    newest: int = -1
    day: int = -1


class CoursePusher:
    """Refreshes courses; ``views`` say what of their learners is compared. Errors of the
    servers pass through."""

    def __init__(
        self,
        client: Redis,
        clock: Callable[[], float] = time.time,
        views: Iterable[WindowView] = tuple(WINDOW_VIEWS.values()),
    ) -> None:
        self._redis = client
        self._clock = clock
        self._measures = {measure for view in views for measure in view.measures}

    def refresh(self, connection: psycopg.Connection[Any]) -> int:
        """Refresh what may have changed since the last time; returns how many courses it were."""
        kept: Any = self._redis.get(STATE)
        last = _State(**orjson.loads(kept)) if kept else _State()
        row = connection.execute(_SQL["position"].encode()).fetchone()
        now = _State(last.newest, int(row[0]) if row else 0, int(self._clock()) // _DAY_S)
        if now.day != last.day or now.newest < last.newest:
            found = connection.execute(_SQL["all"].encode())
        else:
            values = {"since": last.before, "upto": now.newest}
            found = connection.execute(_SQL["changed"].encode(), values)
        changed = [course_id for (course_id,) in found.fetchall()]
        self.write(connection, changed)
        self._redis.set(STATE, orjson.dumps(now))
        return len(changed)

    def write(self, connection: psycopg.Connection[Any], course_ids: Iterable[str]) -> None:
        """Write each of these courses, and how far its learners are, as they are now."""
        for course_id in course_ids:
            with consent.writing(connection):
                self._write(connection, course_id)

    def _write(self, connection: psycopg.Connection[Any], course_id: str) -> None:
        values = {"course_id": course_id}
        roster = courses.roster(connection, _SQL, values)
        dropped = connection.execute(_SQL["dropped"].encode(), values).fetchall()
        everyone = (
            online_windows.in_course(self._redis, course_id, some, roster.course, self._clock())
            for some in courses.pieces(roster.progress)
        )
        course = courses.spread(roster.course, everyone, self._measures)
        with self._redis.pipeline(transaction=False) as pipe:
            place = online_windows.spread_key(course_id)
            pipe.hset(place, online_windows.COURSE_FIELD, orjson.dumps(course).decode())
            for user_id, progress in roster.progress.items():
                place = online_windows.progress_key(user_id)
                pipe.hset(place, course_id, orjson.dumps(progress).decode())
            for (user_id,) in dropped:
                pipe.hdel(online_windows.progress_key(user_id), course_id)
            pipe.execute()


def run(stop: threading.Event) -> None:
    """Refresh until ``stop`` is set; of several processes one does it."""
    wait_s = FeatureSettings().course_refresh_s
    pusher = CoursePusher(stack_redis.client())
    while not stop.wait(wait_s):
        try:
            with postgres.connect_analytics(autocommit=True, connect_timeout=5) as connection:
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
                if row and row[0]:
                    began = time.monotonic()
                    count = pusher.refresh(connection)
                    log.info("%d courses refreshed in %.1f s", count, time.monotonic() - began)
        except (psycopg.Error, RedisError) as error:
            log.warning("courses could not be refreshed: %s; trying again", error)
        except Exception:  # it must not end while the process lives: answers would grow old
            log.exception("courses could not be refreshed; trying again")


def start(stop: threading.Event) -> threading.Thread:
    """``run`` beside what else the process does."""
    thread = threading.Thread(target=run, args=(stop,), name="courses", daemon=True)
    thread.start()
    return thread
