"""Reading what is there: to where each partition ends, and no further."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from contracts.errors import Retryable
from contracts.ids import new_id
from contracts.topics import CONTENT, DUPLICATES, HEARTBEATS, LIVE, TOPICS
from stack import kafka
from stack.kafka import KafkaSettings
from stack.profile import Profile


@pytest.fixture
def topic(stack: Profile) -> Iterator[str]:
    """An empty topic of two partitions."""
    name = f"test-{new_id()}"
    admin = kafka.admin()
    [made] = admin.create_topics([NewTopic(name, 2, 1)]).values()
    made.result(30)
    yield name
    admin.delete_topics([name])


def sending() -> Producer:
    producer = kafka.producer(**{"transactional.id": f"test-{new_id()}"})
    producer.init_transactions(30)
    return producer


def read(starts: dict[kafka.Place, int]) -> dict[int, list[bytes | None]]:
    found: dict[int, list[bytes | None]] = {}
    for messages in kafka.remaining(starts, most=3):
        assert len(messages) <= 3
        for message in messages:
            found.setdefault(message.partition() or 0, []).append(message.value())
    return found


@pytest.mark.integration
def test_what_remains_is_every_committed_message_behind_the_start_in_order(topic: str) -> None:
    producer = sending()
    for number in range(10):
        producer.begin_transaction()
        producer.produce(topic, b"%d" % number, partition=0)
        producer.produce(topic, b"dropped" if number == 5 else b"%d" % number, partition=1)
        producer.flush(30)
        producer.abort_transaction() if number == 5 else producer.commit_transaction()
    whole = [b"%d" % number for number in range(10) if number != 5]
    first, second = kafka.places(topic)
    assert read({first: 0, second: 0}) == {0: whole, 1: whole}
    # Each transaction's end takes an offset, too.
    assert read({second: 8}) == {1: [b"4", b"6", b"7", b"8", b"9"]}
    assert read({first: 20, second: 19}) == {}, "nothing but ends of transactions"
    assert read({}) == {}


@pytest.mark.integration
def test_what_an_open_transaction_holds_is_not_waited_for(topic: str) -> None:
    plain, slow = kafka.producer(), sending()
    plain.produce(topic, b"before", partition=0)
    plain.flush(30)
    slow.begin_transaction()
    slow.produce(topic, b"open", partition=0)
    slow.flush(30)
    assert read(dict.fromkeys(kafka.places(topic), 0)) == {0: [b"before"]}
    slow.commit_transaction(30)
    assert read(dict.fromkeys(kafka.places(topic), 0)) == {0: [b"before", b"open"]}


@pytest.mark.integration
def test_a_topic_that_is_not_there_is_named(stack: Profile) -> None:
    with pytest.raises(Retryable, match=r"no topic lms\.nothing"):
        kafka.places("lms.nothing")


@pytest.mark.integration
def test_topics_that_somebody_else_has_made_a_moment_ago_are_made(
    stack: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = kafka.admin

    class Late(AdminClient):
        """Sees none of the topics: they were made after it looked."""

        def list_topics(self, *args: Any, **kwargs: Any) -> Any:
            found = super().list_topics(*args, **kwargs)
            found.topics = {}
            return found

    monkeypatch.setattr(kafka, "admin", lambda *_: Late(kafka.KafkaSettings().client()))
    assert kafka.create_topics() == []
    monkeypatch.setattr(kafka, "admin", asked)
    assert {topic.name for topic in TOPICS} <= set(asked().list_topics(timeout=30).topics)


def test_a_broker_that_is_away_is_said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setattr(kafka, "SILENCE_S", 0.5)
    with pytest.raises(Retryable, match="LMS_KAFKA_BOOTSTRAP_SERVERS"):
        kafka.places("lms.content.events")
    with pytest.raises(Retryable, match="LMS_KAFKA_BOOTSTRAP_SERVERS"):
        read({("lms.content.events", 0): 0})


def configured(name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    client = kafka.admin()  # what it was asked ends with it
    [future] = client.describe_configs([resource]).values()
    return {entry.name: entry.value for entry in future.result(30).values()}


@pytest.mark.integration
def test_topics_keep_messages_for_as_long_as_the_setting_says(
    stack: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_ms = 86_400_000
    kept = {topic.name: configured(topic.name)["retention.ms"] for topic in TOPICS}
    assert kept.pop(DUPLICATES.name) == str(8 * day_ms)  # it takes back what the others hold
    assert configured(HEARTBEATS.name)["cleanup.policy"] == "compact"
    del kept[HEARTBEATS.name]
    assert kept.pop(LIVE.name) == str(3 * 3_600_000)  # it only has to outlast a restart
    assert set(kept.values()) == {str(7 * day_ms)}
    assert configured(CONTENT.name)["segment.ms"] == str(day_ms)
    monkeypatch.setenv("LMS_KAFKA_RETENTION_DAYS", "30")
    kafka.create_topics()
    assert configured(CONTENT.name)["retention.ms"] == str(30 * day_ms)
    monkeypatch.setenv("LMS_KAFKA_RETENTION_DAYS", "none")
    kafka.create_topics()
    assert configured(CONTENT.name)["retention.ms"] == "-1"
    assert KafkaSettings().kept_for() is None
    monkeypatch.delenv("LMS_KAFKA_RETENTION_DAYS")
    kafka.create_topics()
    assert configured(CONTENT.name)["retention.ms"] == str(7 * day_ms)
