"""The readings on the real components: what waits, what was refused, what is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.fixtures import example_envelope
from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines.archive.rows import FUTURE, LATE, Batch
from pipelines.monitor.readings import ABOUT, Monitor, Reading, labelled
from stack import kafka
from stack.profile import Profile
from tests.waiting import until


def test_an_arrival_is_late_or_of_the_future_by_the_archives_clock() -> None:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    batch = Batch(at=at)
    second = timedelta(seconds=1)
    for moment in (at, at - LATE, at - LATE - second, at + FUTURE, at + FUTURE + second):
        envelope = example_envelope("content.viewed").model_copy(update={"timestamp": moment})
        batch.add(envelope)
    assert batch.arrivals() == {CONTENT.name: (5, 1, 1)}


@pytest.fixture
def monitor(stack: Profile) -> Iterator[Monitor]:
    watching = Monitor()
    yield watching
    watching.close()


@pytest.mark.integration
@pytest.mark.usefixtures("flink")
def test_what_waits_for_a_reader_is_seen_and_every_reading_is_explained(monitor: Monitor) -> None:
    def waiting(readings: list[Reading]) -> float:
        return float(labelled(readings, "learnstream_lag_messages")[f"archive {CONTENT.name}"])

    before = waiting(monitor.take())
    producer = kafka.producer()
    for _ in range(7):
        event = example_envelope("content.viewed").model_copy(update={"event_id": new_id()})
        producer.produce(CONTENT.name, event.encode(), event.key)
    assert producer.flush(30) == 0
    # No archive runs here, so what was sent waits.
    readings = until(
        monitor.take, "seven more wait", accepts=lambda seen: waiting(seen) == before + 7
    )
    assert {reading.name for reading in readings} <= set(ABOUT)
    assert labelled(readings, "learnstream_component_up") == {"flink": 1, "postgres": 1, "kafka": 1}


@pytest.mark.integration
def test_a_part_that_is_away_is_told_and_the_others_are_still_read(
    stack: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_FLINK_REST_PORT", "9")
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", "postgresql://nobody@127.0.0.1:9/none")
    watching = Monitor()
    try:
        readings = watching.take()
    finally:
        watching.close()
    assert labelled(readings, "learnstream_component_up") == {"flink": 0, "postgres": 0, "kafka": 1}
    assert "open" in labelled(readings, "learnstream_dead_letters")
