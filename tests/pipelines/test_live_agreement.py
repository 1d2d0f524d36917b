"""Live counters agree with the tables soon after these have caught up, and end by themselves.

How soon is measured by ``learnstream bench freshness``: here the wait is as long as a machine with
other work may need.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest
from redis import Redis

from contracts.envelope import Envelope, wrap
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import live
from pipelines.derive.process import Derivation
from stack.postgres import connect_analytics
from stack.profile import Profile
from stack.redis import client
from tests.waiting import until, until_equal

pytestmark = pytest.mark.integration


def viewed(institution: str, course: str, learner: str, at: datetime) -> Envelope:
    event = ContentViewed(user_id=learner, course_id=course, item_id=new_id(), kind="page")
    return wrap(event, institution_id=institution, source_service="test", timestamp=at)


def archive(events: list[Envelope]) -> None:
    batch = Batch()
    for event in events:
        batch.add(event)
    with closing(ArchiveTable()) as table:
        table.store(batch, {})


@contextmanager
def deriving() -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Derivation(stop).run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def in_tables(institution: str) -> dict[tuple[str, datetime], int]:
    with connect_analytics() as connection:
        return {
            (str(course), at): events
            for course, at, events in connection.execute(
                "SELECT course_id, bucket_at, events FROM course_learners_minute "
                "WHERE institution_id = %s AND bucket_at > now() - INTERVAL '1 hour'",
                [institution],
            )
        }


def in_redis(redis: Redis, institution: str) -> dict[tuple[str, datetime], int]:
    found = {}
    for key in redis.scan_iter(match=f"live:{institution}:*", count=1000):
        *_, minute = key.decode().split(":")
        if minute.isdigit():
            at = datetime.fromtimestamp(int(minute) * 60, UTC)
            for course, events in live.minute_counts(redis, institution, at).items():
                found[course, at] = events
    return found


def test_redis_agrees_with_the_tables_once_they_have_caught_up(stack: Profile) -> None:
    institution, courses = new_id(), [new_id() for _ in range(3)]
    learners = [new_id() for _ in range(30)]
    with closing(client()) as redis, deriving():
        sent = 0
        for batch in range(5):
            now = datetime.now(UTC)
            archive(
                [
                    viewed(institution, courses[n % 3], learners[n % (10 + 5 * batch)], now)
                    for n in range(60)
                ]
            )
            sent += 60
            until_equal(lambda: sum(in_tables(institution).values()), sent)
            # The tables have them: now the counters, row by row.
            until(
                lambda: in_redis(redis, institution) == in_tables(institution),
                "Redis has what the tables have",
                within_s=10,
            )
        found = live.read(redis, institution)
        assert found["active_learners"] == pytest.approx(30, rel=0.05)


def test_counters_end_by_themselves(stack: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEPT_S", 2)
    institution, course = new_id(), new_id()
    with closing(client()) as redis, deriving():
        archive([viewed(institution, course, new_id(), datetime.now(UTC))])

        def keys() -> list[bytes]:
            return list(redis.scan_iter(match=f"live:{institution}:*", count=1000))

        until_equal(lambda: len(keys()), 3)  # the minute, its learners, the course's learners
        until_equal(keys, [], within_s=20)
    assert sum(in_tables(institution).values()) == 1, "the table remembers"
