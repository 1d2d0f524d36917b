"""From events to live counters, with everything between them: they have what the tables have."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from contracts import live
from contracts.envelope import wrap
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines import operation
from pipelines.archive.consumer import Archive
from stack import kafka
from stack.profile import Profile
from stack.redis import client
from tests.pipelines.child import Child
from tests.pipelines.test_live import active, in_redis, in_table
from tests.waiting import until, until_equal

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    """The jobs, and the archive, which finds messages that repeat an event."""
    operation.submit()
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    yield
    stop.set()
    archive.join()
    operation.cancel()


@pytest.fixture
def redis(flink: Profile) -> Iterator[Redis]:
    with closing(client()) as opened:
        yield opened


def test_counters_agree_with_the_tables_whoever_is_killed_and_whatever_is_repeated(
    redis: Redis,
) -> None:
    institution, courses = new_id(), [new_id() for _ in range(3)]
    learners = [new_id() for _ in range(60)]

    def viewed(number: int) -> bytes:
        event = ContentViewed(
            user_id=learners[number % 60],
            course_id=courses[number % 3],
            item_id=new_id(),
            kind=("page", "video")[number % 2],
        )
        at = datetime.now(UTC) - timedelta(minutes=(number // 60) % 10)
        return wrap(event, institution_id=institution, source_service="test", timestamp=at).encode()

    producer, sent = kafka.producer(), 0

    def publish(events: list[bytes]) -> None:
        for event in events:
            producer.produce(CONTENT.name, event)
        assert producer.flush(30) == 0

    def agreed() -> bool:
        found = in_table(institution)
        total = sum(events for (course, _), events in found.items() if course is None)
        return total == sent and in_redis(redis, institution) == found

    process = Child("pipelines.live")
    process.start()
    try:
        for _ in range(3):
            events = [viewed(n) for n in range(300)]
            publish([*events, *events[::4]])
            sent += len(events)
            until(lambda: in_redis(redis, institution), "some of it is counted", within_s=120)
            process.end(signal.SIGKILL)
            process.start()
        until(agreed, "Redis has what the tables have", within_s=120, every_s=0.5)
        for minutes in (15, live.MINUTES):
            assert active(redis, institution, minutes) == pytest.approx(60, abs=2)
            assert active(redis, institution, minutes, *courses[:1]) == pytest.approx(20, abs=1)

        # Counted anew while events come.
        more = [viewed(n) for n in range(60)]
        publish(more[:30])
        operation.recount(["course_activity"])
        publish(more[30:])
        sent += len(more)
        until(agreed, "Redis has what was counted anew", within_s=120, every_s=0.5)
    finally:
        assert process.end(signal.SIGTERM) in (0, -signal.SIGTERM)


def test_an_event_is_counted_while_it_happens(redis: Redis) -> None:
    """How soon is measured by ``learnstream bench freshness``."""
    institution, course = new_id(), new_id()
    event = ContentViewed(user_id=new_id(), course_id=course, item_id=new_id(), kind="page")
    message = wrap(event, institution_id=institution, source_service="test")
    process = Child("pipelines.live")
    process.start()
    try:
        producer = kafka.producer()
        producer.produce(CONTENT.name, message.encode())
        assert producer.flush(30) == 0
        until_equal(lambda: sum(in_redis(redis, institution).values()), 2)  # its course's, and all
        until_equal(lambda: active(redis, institution, 15, course), 1)
    finally:
        process.end(signal.SIGTERM)
