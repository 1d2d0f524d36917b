"""From an event to the window that serving reads: the job, its topic, the pusher, Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import new_id
from contracts.tiles import ITEM_TILES, LEARNER_TILES
from contracts.topics import CONTENT, FEATURES
from features import online_windows
from features.catalogue import WINDOW_VIEWS
from features.tile_push import load
from pipelines import cluster, operation
from pipelines.archive.consumer import Archive
from stack import kafka, postgres
from stack import redis as stack_redis
from stack.profile import Profile
from tests.features.test_push import end_of_topic, pushing
from tests.features.test_tile_push import features, lose
from tests.pipelines.messages import viewed
from tests.waiting import until_equal

# A busy machine takes minutes to submit or to rebuild.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("registered"),
    pytest.mark.timeout(900),
]

LEARNER, COURSE = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["course_windows"]
WINDOWS = ("1h", "1d", "7d", "28d", "all")
DAY = timedelta(days=1)
JOBS = ["learner_tiles", "item_tiles"]


@pytest.fixture(scope="module")
def jobs(flink: Profile) -> Iterator[None]:
    operation.submit(JOBS)
    yield
    operation.cancel()
    # As on the first day: what follows in this stack knows nothing of what was counted anew here.
    with postgres.connect_analytics() as connection:
        connection.execute("TRUNCATE job_starts, stream_application")
        connection.execute("INSERT INTO stream_application (wanted) VALUES ('{}')")


@pytest.fixture
def archive(flink: Profile) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Archive(stop).run)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def now() -> datetime:
    """A moment of today, whose day and hour windows none of these tests leaves."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


class Studying:
    """A learner of their own course, and what windows say of both."""

    def __init__(self, now: datetime) -> None:
        self.id, self.course, self.now = new_id(), new_id(), now

    def did(self, *acts: tuple[timedelta, int]) -> None:
        """Events so long ago with so many clicks."""
        publish(
            *(
                viewed(self.now - ago, course_id=self.course, user_id=self.id, clicks=clicks)
                for ago, clicks in acts
            )
        )

    def clicks(self, after: timedelta = timedelta()) -> list[Any]:
        """In each of ``WINDOWS``, so long after now."""
        found = features(LEARNER, self.id, at=self.now + after) or {}
        return [found.get(f"clicks_{window}") for window in WINDOWS]

    def activity(self) -> Any:
        return (features(COURSE, self.course, at=self.now) or {}).get("activity_all")


@pytest.fixture
def learner(now: datetime) -> Studying:
    return Studying(now)


def publish(*events: bytes) -> None:
    producer = kafka.producer()
    for event in events:
        producer.produce(CONTENT.name, event)
    assert producer.flush(30) == 0


def in_table(user_id: str) -> int:
    with postgres.connect_analytics() as connection:
        row = connection.execute(
            "SELECT coalesce(sum(clicks), 0)::int FROM learner_tiles WHERE user_id = %s", [user_id]
        ).fetchone()
    return row[0] if row else 0


def in_redis(learner: Studying) -> list[Any]:
    """All tiles of the learner and their course that are read."""
    keys = online_windows.key("learner", learner.id), online_windows.key("course", learner.course)
    return [stack_redis.client().hgetall(key) for key in keys]


def of_tables(learner: Studying) -> list[Any]:
    """The same from the tables alone."""
    lose()
    with postgres.connect_analytics(autocommit=True) as connection:
        for table in (LEARNER_TILES, ITEM_TILES):
            load(connection, stack_redis.client(), table, learner.now.timestamp())
    return in_redis(learner)


def test_an_event_is_in_the_windows_and_in_the_table_alike(jobs: None, learner: Studying) -> None:
    hour = timedelta(hours=1)
    with pushing() as through:
        learner.did((0 * hour, 1), (1 * hour, 2), (26 * hour, 4), (100 * DAY, 8))
        until_equal(learner.clicks, [3, 3, 7, 7, 15])
        until_equal(learner.activity, 4)
        until_equal(lambda: in_table(learner.id), 15)
        # A late one comes to the others of its hour.
        learner.did((26 * hour, 16))
        until_equal(learner.clicks, [3, 3, 23, 23, 31])
        through()
        found = in_redis(learner)
    assert found == of_tables(learner)


def test_who_is_silent_has_windows_that_fall_as_time_passes(jobs: None, learner: Studying) -> None:
    with pushing():
        learner.did((timedelta(), 1), (3 * DAY, 2), (20 * DAY, 4))
        until_equal(learner.clicks, [1, 1, 3, 7, 7])
    assert learner.clicks(after=timedelta(hours=2)) == [0, 1, 3, 7, 7]
    assert learner.clicks(after=2 * DAY) == [0, 0, 3, 7, 7]
    assert learner.clicks(after=5 * DAY) == [0, 0, 1, 7, 7]
    assert learner.clicks(after=8 * DAY) == [0, 0, 0, 3, 7]
    assert learner.clicks(after=29 * DAY) == [0, 0, 0, 0, 7]


def test_messages_that_are_read_again_or_come_late_change_nothing(
    jobs: None, learner: Studying
) -> None:
    before_them = end_of_topic()
    with pushing() as through:
        for wanted in (1, 2, 3):  # a tile that changes
            learner.did((timedelta(), 1))
            until_equal(learner.clicks, [wanted] * 5)
        through()
    found, begun = in_redis(learner), {(at.topic, at.partition): at.offset for at in before_them}
    rows = [
        message
        for some in kafka.remaining(begun)
        for message in some
        if learner.id in str(message.value())
    ]
    assert len(rows) == 3, "each change was published"
    with pushing(before_them) as through:
        through()
        assert in_redis(learner) == found
        producer = kafka.producer()
        producer.produce(
            FEATURES.name, rows[0].value(), rows[0].key(), timestamp=rows[0].timestamp()[1]
        )
        assert producer.flush(30) == 0
        through()
        assert in_redis(learner) == found


def test_a_redis_that_was_lost_fills_itself_while_events_come(
    jobs: None, learner: Studying
) -> None:
    with pushing():
        learner.did((timedelta(), 1), (100 * DAY, 2))
        until_equal(learner.clicks, [1, 1, 1, 1, 3])
        stack_redis.client().flushdb()
        assert learner.clicks() == [None] * 5
        until_equal(learner.clicks, [1, 1, 1, 1, 3])
        learner.did(*[(timedelta(), 1)] * 20)
        stack_redis.client().flushdb()
        learner.did((timedelta(), 1), (100 * DAY, 4))
        until_equal(learner.clicks, [22, 22, 22, 22, 28])
        until_equal(learner.activity, 24)


def test_flink_that_goes_on_from_its_last_checkpoint_leaves_the_same_windows(
    jobs: None, learner: Studying
) -> None:
    with pushing() as through:
        learner.did((timedelta(), 1), (3 * DAY, 2))
        until_equal(learner.clicks, [1, 1, 3, 3, 3])
        cluster.cancel(operation.read().job_id or "")
        learner.did((timedelta(), 4), (3 * DAY, 8))
        operation.restore()
        until_equal(learner.clicks, [5, 5, 15, 15, 15])
        until_equal(lambda: in_table(learner.id), 15)
        through()
        found = in_redis(learner)
    assert found == of_tables(learner)


def test_a_rebuild_leaves_redis_as_the_table_is_without_a_new_event(
    jobs: None, learner: Studying, archive: None
) -> None:
    with pushing() as through:
        learner.did((timedelta(), 1), (3 * DAY, 2), (100 * DAY, 4))
        until_equal(learner.clicks, [1, 1, 3, 3, 7])
        stack_redis.client().delete(online_windows.key("learner", learner.id))
        operation.recount(["learner_tiles"])
        until_equal(learner.clicks, [1, 1, 3, 3, 7])
        assert in_table(learner.id) == 7
        # What was published before is read again by now, and counts no second time.
        learner.did((timedelta(), 8), (3 * DAY, 16))
        until_equal(learner.clicks, [9, 9, 27, 27, 31])
        until_equal(lambda: in_table(learner.id), 31)
        until_equal(learner.activity, 5)
        through()
        found = in_redis(learner)
    assert found == of_tables(learner)
