"""What is still on its way is reported step by step, as it comes through the pipeline."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest

from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines.archive.consumer import Archive
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.features import FeaturePublisher
from pipelines.verify.behind import behind, wait_until_idle
from stack import cli, kafka
from stack.profile import Profile
from tests.pipelines.messages import viewed
from tests.waiting import until

pytestmark = pytest.mark.integration


def test_an_event_waits_in_kafka_then_in_the_queues_then_for_flink(stack: Profile) -> None:
    _archive()
    with closing(Engine()) as engine:
        rebuild.begin(engine)
        _derive(engine)

        producer = kafka.producer()
        event = viewed(datetime.now(UTC), course_id=new_id())
        producer.produce(CONTENT.name, key=b"key", value=event)
        assert producer.flush(30) == 0
        assert (behind() or "").endswith("messages are not archived yet")

        _archive()
        assert behind() == "1 rows wait in archive_batches"

        while engine.step():
            pass
        assert "1 rows wait in" in (behind() or "")

        _derive(engine)
        # Flink does not run here: the archive's events are in the derived sums alone.
        assert (behind() or "").startswith("Flink's sums differ from the derived ones by ")


def test_who_waits_in_vain_hears_what_is_on_its_way(
    stack: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    producer = kafka.producer()
    producer.produce(CONTENT.name, key=b"key", value=viewed(datetime.now(UTC), course_id=new_id()))
    assert producer.flush(30) == 0

    assert cli.call("verify", "--idle", "--wait", "0.1") == 1
    assert "NOT IDLE: about " in capsys.readouterr().out
    assert cli.call("verify", "--idle", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["idle"] is False
    assert answer["waiting"].endswith("messages are not archived yet")


def test_the_wait_ends_when_nothing_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["1 rows wait in archive_batches", None])
    monkeypatch.setattr("pipelines.verify.behind.behind", lambda: next(answers))
    reported: list[str] = []

    assert wait_until_idle(60.0, reported.append) is None
    assert reported == ["waiting: 1 rows wait in archive_batches"]


def _archive() -> None:
    """Archive until Kafka holds no more."""
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    try:
        until(
            behind,
            "everything is archived",
            accepts=lambda waits: not (waits or "").endswith("not archived yet"),
        )
    finally:
        stop.set()
        archive.join(30)


def _derive(engine: Engine) -> None:
    publisher = FeaturePublisher()
    while engine.step() or engine.refresh_due() or publisher.publish(engine.connection):
        pass
