"""Live counters: what is published, repeated, lost or counted anew; the sums are the table's."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from contracts import live
from contracts.ids import new_id
from contracts.tiles import GENERATION
from contracts.topics import FEATURES, LIVE
from pipelines.live.counters import LiveCounters, Presence, Sum
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile
from stack.redis import client
from tests.pipelines.child import Child
from tests.waiting import until_equal

pytestmark = pytest.mark.integration

Minutes = dict[tuple[str | None, datetime], int]
"""By course (None: all) and minute."""


@pytest.fixture
def redis(stack: Profile) -> Iterator[Redis]:
    with closing(client()) as opened:
        yield opened


@pytest.fixture
def counters(redis: Redis) -> LiveCounters:
    made = LiveCounters(redis)
    with connect_analytics(autocommit=True) as connection:
        made.fill(connection)
    made.filled()
    return made


@pytest.fixture
def part(stack: Profile) -> int:
    """A partial sum of those that are counted now: another test may have counted them anew."""
    with connect_analytics() as connection:
        row = connection.execute(
            "SELECT coalesce(max(generation), 0) FROM job_starts WHERE job = 'course_activity'"
        ).fetchone()
    assert row is not None
    return int(row[0]) * GENERATION + 700


def now_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def in_redis(redis: Redis, institution_id: str) -> Minutes:
    found: Minutes = {}
    for ago in range(-6, live.MINUTES):
        at = now_minute() - timedelta(minutes=ago)
        key = live.sums_key(institution_id, live.minute_of(at))
        sums: dict[bytes, bytes] = redis.hgetall(key)  # type: ignore[assignment]
        found |= {(course.decode() or None, at): int(events) for course, events in sums.items()}
    return {key: events for key, events in found.items() if events}


def in_table(institution_id: str) -> Minutes:
    with connect_analytics() as connection:
        rows = connection.execute(
            "SELECT course_id::text, bucket_at, sum(events)::int FROM course_activity_minute "
            "WHERE institution_id = %s AND bucket_at > now() - INTERVAL '1 hour' "
            "GROUP BY GROUPING SETS ((1, 2), (2)) HAVING sum(events) > 0",
            [institution_id],
        ).fetchall()
    return {(course, at): events for course, at, events in rows}


def active(redis: Redis, institution_id: str, minutes: int, *courses: str) -> int:
    now = live.minute_of(datetime.now(UTC))
    keys = live.learners_keys(institution_id, courses or None, now, minutes)
    return int(redis.pfcount(*keys))


def test_a_row_replaces_what_it_was_before_and_repeating_changes_nothing(
    redis: Redis, counters: LiveCounters, part: int
) -> None:
    institution, course, other, at = new_id(), new_id(), new_id(), now_minute()
    rows = [
        Sum(institution, course, at, "page", part, 3),
        Sum(institution, course, at, "page", part + 1, 2),
        Sum(institution, course, at, "video", part, 4),
        Sum(institution, other, at, "page", part, 1),
        Sum(institution, course, at, "page", part, 5),
    ]
    for _ in range(2):
        for row in rows:
            assert counters.write([row], [])
        expected = {(course, at): 11, (other, at): 1, (None, at): 12}
        assert in_redis(redis, institution) == expected
    assert counters.write(rows[::-1], [])  # of one batch the last one counts
    assert in_redis(redis, institution)[course, at] == 9
    for key in redis.scan_iter(f"live:{institution}:*"):
        assert 0 < int(redis.ttl(key)) <= live.KEPT_S  # type: ignore[arg-type]


def test_what_was_counted_before_a_job_was_counted_anew_is_left_alone(
    redis: Redis, counters: LiveCounters, part: int
) -> None:
    institution, course, at = new_id(), new_id(), now_minute()
    assert counters.write([Sum(institution, course, at, "page", part - GENERATION, 3)], [])
    assert in_redis(redis, institution) == {}
    later = Sum(institution, course, at, "page", part + GENERATION, 3)
    assert not counters.write([later], []), "the last hour is to be read from the database first"
    assert in_redis(redis, institution) == {}


def test_neither_the_past_nor_a_clock_far_ahead_is_live(
    redis: Redis, counters: LiveCounters, part: int
) -> None:
    institution, course, user = new_id(), new_id(), new_id()
    moments = [now_minute() + timedelta(minutes=m) for m in (-61, -1, 4, 30)]
    rows = [Sum(institution, course, at, "page", part, 1) for at in moments]
    here = Presence(institution, course, user, moments[0])
    assert counters.write(rows, [here])
    found = in_redis(redis, institution)
    assert set(found) == {(one, at) for one in (course, None) for at in moments[1:3]}
    assert active(redis, institution, live.MINUTES) == 0


def test_a_learner_is_active_from_their_last_moment_on(
    redis: Redis, counters: LiveCounters
) -> None:
    institution, courses = new_id(), [new_id(), new_id()]
    learners = [new_id() for _ in range(40)]
    now = datetime.now(UTC)
    for number, learner in enumerate(learners):
        at = now - timedelta(minutes=number)
        assert counters.write([], [Presence(institution, courses[number % 2], learner, at)])
        assert counters.write([], [Presence(institution, courses[0], learner, at)])
    assert active(redis, institution, live.MINUTES) == pytest.approx(40, abs=1)
    assert active(redis, institution, 15) == pytest.approx(15, abs=1)
    assert active(redis, institution, live.MINUTES, courses[1]) == pytest.approx(20, abs=1)
    assert active(redis, institution, live.MINUTES, *courses) == pytest.approx(40, abs=1)


@dataclass
class Jobs:
    """Writes and publishes rows as the streaming jobs do, which do not run here."""

    part: int
    institution_id: str = field(default_factory=new_id)
    courses: list[str] = field(default_factory=lambda: [new_id() for _ in range(3)])
    learners: list[str] = field(default_factory=lambda: [new_id() for _ in range(50)])
    events: dict[tuple[str, datetime, str], int] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def go_on(self, events: int) -> None:
        changed = {self._place() for _ in range(events)}
        with connect_analytics() as connection:
            for course, at, kind in changed:
                self.events[course, at, kind] = self.events.get((course, at, kind), 0) + 1
                connection.execute(
                    "INSERT INTO course_activity_minute (bucket_at, institution_id, course_id, "
                    "kind, part, events, clicks) VALUES (%s, %s, %s, %s, %s, %s, 0) "
                    "ON CONFLICT (bucket_at, institution_id, course_id, kind, part) "
                    "DO UPDATE SET events = EXCLUDED.events",
                    [at, self.institution_id, course, kind, self.part, self._now(course, at, kind)],
                )
        self.publish(changed)

    def _place(self) -> tuple[str, datetime, str]:
        at = now_minute() - timedelta(minutes=self.chance.choice((0, 0, 0, 1, 30)))
        return self.chance.choice(self.courses), at, self.chance.choice(("page", "video"))

    def _now(self, course: str, at: datetime, kind: str) -> int:
        return self.events[course, at, kind]

    def publish(self, places: Any) -> None:
        producer = kafka.producer()
        for course, at, kind in places:
            head = {"institution_id": self.institution_id, "course_id": course, "part": self.part}
            row = {"bucket_at": f"{at:%FT%TZ}", "kind": kind, "events": self._now(course, at, kind)}
            producer.produce(LIVE.name, json.dumps(head | row), f"{course}{at}{kind}")
            learner = self.chance.choice(self.learners)
            tile = {"user_id": learner, "last_at": f"{datetime.now(UTC):%FT%TZ}"}
            # As Flink writes JSON, without spaces.
            text = json.dumps({"tiles": "learner_tiles"} | head | tile, separators=(",", ":"))
            producer.produce(FEATURES.name, text, f"{learner}{course}")
        assert producer.flush(30) == 0


def test_a_writer_killed_again_and_again_ends_with_what_the_table_has(
    redis: Redis, part: int
) -> None:
    jobs, process = Jobs(part), Child("pipelines.live")
    process.start()
    try:
        for number in range(30):
            jobs.go_on(20)
            if number % 6 == 5:
                time.sleep(jobs.chance.uniform(0.0, 2.0))  # a moment of its life, for no purpose
                process.end(signal.SIGKILL)
                process.start()
        jobs.publish(jobs.events)  # all of it once more
        until_equal(lambda: in_redis(redis, jobs.institution_id), in_table(jobs.institution_id))
        assert sum(in_table(jobs.institution_id).values()) > 300
        until_equal(lambda: abs(active(redis, jobs.institution_id, live.MINUTES) - 50) <= 1, True)
        # Redis comes back empty.
        for key in redis.scan_iter("live:*"):
            redis.delete(key)
        until_equal(lambda: in_redis(redis, jobs.institution_id), in_table(jobs.institution_id))
        jobs.go_on(20)
        until_equal(lambda: in_redis(redis, jobs.institution_id), in_table(jobs.institution_id))
        until_equal(lambda: bool(redis.exists(live.FILLED)), True)
    finally:
        assert process.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    until_equal(lambda: bool(redis.exists(live.FILLED)), False, within_s=live.FILLED_S + 5)
