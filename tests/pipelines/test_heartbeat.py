"""A heartbeat goes an event's way into the tables, is measured, and is counted nowhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from contracts import heartbeat
from contracts.errors import Retryable
from contracts.heartbeat import Heartbeat
from contracts.ids import new_id
from contracts.topics import EVENT_TOPICS, HEARTBEATS
from core_lms.outbox.heartbeat import send
from core_lms.outbox.relay import Relay
from pipelines.archive.consumer import Archive
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive.process import Derivation
from pipelines.monitor.heartbeat import Prober
from pipelines.monitor.readings import Monitor, labelled
from pipelines.monitor.settings import MonitorSettings
from stack.postgres import connect_analytics
from stack.profile import Profile


def test_what_is_no_heartbeat_measures_nothing() -> None:
    beat = Heartbeat(heartbeat_id=new_id(), sent_at=datetime.now(UTC))
    assert heartbeat.read(beat.model_dump_json().encode()) == beat
    for value in (None, b"", b"{}", b"\xff", b'{"heartbeat_id": "1", "sent_at": "now"}'):
        assert heartbeat.read(value) is None


def test_a_heartbeat_is_no_event() -> None:
    assert HEARTBEATS not in EVENT_TOPICS


@contextmanager
def at_work() -> Iterator[None]:
    """Relay, archive and derivation, as their processes run them."""
    stop = threading.Event()
    threads = [threading.Thread(target=each(stop).run) for each in (Relay, Archive, Derivation)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def counts() -> tuple[int, ...]:
    with connect_analytics() as connection:
        found = [
            connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
            for name in ("activity_events", "sessions", "course_learners_minute", "commit_to_row")
        ]
    return tuple(row[0] for row in found if row)


@pytest.mark.integration
def test_a_heartbeat_comes_through_outbox_kafka_archive_and_derivation(stack: Profile) -> None:
    prober = Prober(threading.Event(), MonitorSettings(heartbeats_kept_days=1))
    with connect_analytics() as connection:
        connection.execute("INSERT INTO commit_to_row VALUES (now() - INTERVAL '2 days', 9, 9)")
    before: tuple[int, ...] = ()
    with at_work():
        assert prober.beat()  # and with it all that other tests left in Kafka
        before = counts()
        assert prober.beat()
    *tables, measured = counts()
    assert tables == list(before[:-1])
    assert measured == before[-1] + 1
    with connect_analytics() as connection:
        old, archive_s, derive_s = connection.execute(
            "SELECT (SELECT count(*) FROM commit_to_row WHERE derive_s = 9), archive_s, derive_s "
            "FROM commit_to_row ORDER BY sent_at DESC LIMIT 1"
        ).fetchone() or (None, 0, 0)
    assert old == 0, "what is older than it is kept is gone"
    assert 0 < archive_s <= derive_s < 60
    with closing(Monitor()) as monitor:
        readings = monitor.take()
    found = labelled(readings, "learnstream_commit_to_row_seconds")
    assert set(found) == {"archive 0.5", "archive 0.99", "derive 0.5", "derive 0.99"}
    assert 0 <= labelled(readings, "learnstream_heartbeat_age_seconds")["all"] < 60


@pytest.mark.integration
def test_a_heartbeat_that_does_not_come_through_leaves_no_measurement(stack: Profile) -> None:
    before = counts()
    assert not Prober(threading.Event()).beat(give_up_s=0.3)  # nobody is at work
    assert counts() == before


@pytest.mark.integration
def test_a_heartbeat_has_arrived_when_the_batch_it_came_with_is_derived(stack: Profile) -> None:
    beat = Heartbeat(heartbeat_id=new_id(), sent_at=datetime.now(UTC))
    with closing(ArchiveTable()) as table:
        assert table.store(Batch(), {}, beat) == 0
    with connect_analytics() as connection:
        arrival = Prober._arrival(connection, beat.heartbeat_id)
        assert arrival == (beat.sent_at.timestamp(), False)
        assert Prober._arrival(connection, new_id()) is None


def test_a_database_that_is_away_is_told_to_the_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_POSTGRES_LMS_URL", "postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(Retryable, match="no heartbeat was sent"):
        send(new_id())
