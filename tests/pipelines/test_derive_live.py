"""Live counters and feature rows: published after each step, repaired after any crash."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.events.content import ContentViewed
from contracts.features import FeatureRow
from contracts.ids import new_id
from contracts.topics import FEATURES
from pipelines.archive.table import ArchiveTable
from pipelines.derive import live, rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.features import FeaturePublisher, query, rows
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile
from stack.redis import client
from tests.pipelines.child import Child
from tests.pipelines.history import History
from tests.pipelines.test_derive import archive, differences, drain
from tests.waiting import until_equal

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(stack: Profile) -> Iterator[Engine]:
    with closing(Engine()) as opened:
        rebuild.begin(opened)
        drain(opened)
        yield opened


def viewed(learner: str, course: str, institution: str, at: datetime) -> Envelope:
    return wrap(
        ContentViewed(user_id=learner, course_id=course, item_id=new_id(), kind="quiz"),
        institution_id=institution,
        source_service="test",
        timestamp=at,
    )


def test_live_counters_agree_with_the_tables_and_outlive_an_empty_redis(engine: Engine) -> None:
    institution, course, learners = new_id(), new_id(), [new_id() for _ in range(20)]
    now = datetime.now(UTC)
    events = [viewed(learners[n % 20], course, institution, now) for n in range(60)]
    events += [viewed(learners[0], course, institution, now - timedelta(days=3))]
    redis, counters = client(), live.LiveCounters()
    with closing(ArchiveTable()) as table, closing(counters):
        archive(table, [*events[:40], *events[:5]])
        step = engine.step()
        assert step is not None
        counters.write(engine.connection, step.upto, step.recent)
        assert counted(redis, institution, now) == stored(institution) == {course: 40}
        for key in redis.scan_iter("live:*"):  # as if Redis had been started anew
            redis.delete(key)
        archive(table, events[40:])
        step = engine.step()
        assert step is not None
        counters.write(engine.connection, step.upto, step.recent)
    assert counted(redis, institution, now) == stored(institution) == {course: 60}
    for place in (None, course):
        found = live.read(redis, institution, place, now)
        assert found["active_learners"] == pytest.approx(20, rel=0.05)
        assert found["events_per_s"] > 0
    for key in redis.scan_iter(f"live:{institution}:*"):
        assert 0 < redis.ttl(key) <= live.KEPT_S


def counted(redis: Any, institution: str, minute: datetime) -> dict[str, int]:
    return live.minute_counts(redis, institution, minute)


def stored(institution: str) -> dict[str, int]:
    with connect_analytics() as connection:
        return {
            str(course): events
            for course, events in connection.execute(
                "SELECT course_id, events FROM course_learners_minute WHERE institution_id = %s "
                "AND bucket_at > now() - INTERVAL '1 hour'",
                [institution],
            )
        }


def test_feature_rows_tell_windows_streak_and_mix_as_of_the_newest_event(engine: Engine) -> None:
    learner, course, institution = new_id(), new_id(), new_id()
    end = datetime(2025, 5, 20, 12, 0, tzinfo=UTC)
    ago = (0, 0.5, 20, 26, 24 * 6, 24 * 20, 24 * 40)  # hours
    events = [viewed(learner, course, institution, end - timedelta(hours=h)) for h in ago]
    with closing(ArchiveTable()) as table:
        archive(table, events)
    drain(engine)
    (row,) = rows(engine.connection, "learner_engagement", [(learner, institution, end)])
    found = row.features
    assert (found["events_1h"], found["events_1d"], found["events_7d"]) == (2, 3, 5)
    assert (found["events_28d"], found["active_days_28d"]) == (6, 4)
    assert found["streak_days"] == 2
    assert found["pause_hours"] == 0.5
    assert found["share_quiz_28d"] == 1.0
    assert found["trend"] == pytest.approx(5 / 1.5)


def test_a_row_of_the_past_is_what_was_told_then(engine: Engine) -> None:
    """Point in time: what comes later by its own time changes no earlier row."""
    history = History(21, count=400)
    events = sorted(history.events, key=lambda event: event.timestamp)
    cut = events[len(events) // 2].timestamp
    wanted = [(learner, history.institution_id, cut) for learner in history.learners]
    with closing(ArchiveTable()) as table:
        archive(table, [event for event in events if event.timestamp <= cut])
        drain(engine)
        then = list(rows(engine.connection, "learner_engagement", wanted))
        archive(table, [event for event in events if event.timestamp > cut])
    drain(engine)
    now = list(rows(engine.connection, "learner_engagement", wanted))
    plain = [name for name in then[0].features if name not in SAYS_LATER]
    assert len(then) == len(history.learners)
    for earlier, later in zip(then, now, strict=True):
        assert [earlier.features[n] for n in plain] == [later.features[n] for n in plain]
    assert any(row.features["events_28d"] for row in then)


def test_the_newest_item_is_so_by_the_events_own_time(engine: Engine) -> None:
    """In whatever order, with a view from the future, and asked of the past: the same item."""
    learner, course, institution = new_id(), new_id(), new_id()
    noon = datetime(2025, 5, 20, 12, 0, tzinfo=UTC)
    minutes = (0, -3000, 0.5, -10)
    events = [viewed(learner, course, institution, noon + timedelta(minutes=m)) for m in minutes]
    newest = noon + timedelta(minutes=0.5)
    with closing(ArchiveTable()) as table:
        for event in events:
            archive(table, [event])
            engine.step()

    def item_at(at: datetime) -> dict[str, Any]:
        (row,) = rows(engine.connection, "learner_activity", [(learner, institution, at)])
        return dict(row.features)

    last = {"last_item_id": events[2].payload.item_id, "last_seen_at": "2025-05-20T12:00:30Z"}
    assert item_at(newest) == last
    assert item_at(newest + timedelta(days=9)) == last
    before = {"last_item_id": events[3].payload.item_id, "last_seen_at": "2025-05-20T11:50:00Z"}
    assert item_at(noon - timedelta(microseconds=1)) == before
    ahead = viewed(learner, course, institution, noon + timedelta(days=5000))
    with closing(ArchiveTable()) as table:
        archive(table, [ahead])
    drain(engine)
    asked = query("learner_activity", "newest").replace("taken d", "queued d")
    with engine.connection.transaction():
        engine.connection.execute("CREATE TEMP TABLE queued (LIKE learner_activity_due)")
        engine.connection.execute("INSERT INTO queued VALUES (%s, %s)", [learner, institution])
        found = engine.connection.execute(asked.encode()).fetchall()
        engine.connection.execute("DROP TABLE queued")
    assert [moment for *_, moment in found] == [newest]


SAYS_LATER = ("score_mean", "score_last", "score_trend", "missed_total", "due_7d", "late_share")
"""A score that is changed later and a due date that is moved replace what was known before."""


def test_rows_that_are_due_go_to_the_topic_once_kafka_has_them(engine: Engine) -> None:
    learner, institution = new_id(), new_id()
    with closing(ArchiveTable()) as table:
        archive(table, [viewed(learner, new_id(), institution, datetime.now(UTC))])
    drain(engine)
    publisher = FeaturePublisher()
    while publisher.publish(engine.connection):
        pass
    found = newest("learner_engagement", learner)
    assert found.features["events_1h"] == 1
    with connect_analytics() as connection:
        assert connection.execute("SELECT count(*) FROM learner_features_due").fetchone() == (0,)


def newest(view: str, entity_id: str) -> FeatureRow:
    consumer = kafka.consumer(f"test-{new_id()}")
    consumer.subscribe([FEATURES.name])
    deadline = time.monotonic() + 60
    with closing(consumer):
        while time.monotonic() < deadline:
            got = consumer.poll(1.0)
            if got is not None and got.key() == f"{view}/{entity_id}".encode():
                return FeatureRow.model_validate(json.loads(got.value() or b""))
    raise AssertionError(f"no row of {view}/{entity_id}")


def test_a_derivation_killed_again_and_again_ends_exact(engine: Engine) -> None:
    history = History(31, count=1500)
    process, moments = Child("pipelines.derive"), random.Random(31)
    process.start()
    try:
        with closing(ArchiveTable()) as table:
            for number, events in enumerate(history.batches(history.disordered())):
                archive(table, events)
                if number % 8 == 7:
                    time.sleep(moments.uniform(0.0, 1.5))  # a moment of its life, for no purpose
                    process.end(signal.SIGKILL)
                    process.start()
        until_equal(queued, 0)
    finally:
        assert process.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert differences(history.institution_id, history.events) == []


def queued() -> int:
    with connect_analytics() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM archive_batches) + (SELECT count(*) FROM assessment_due)"
        ).fetchone()
    assert row is not None
    return int(row[0])
