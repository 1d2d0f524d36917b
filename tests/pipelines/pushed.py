"""Feature rows pushed into the store, as the derivation and the pusher would do it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import TopicPartition

from contracts.topics import FEATURES
from features import registration
from features.push import Pusher
from pipelines.derive.engine import Engine
from pipelines.derive.features import FeaturePublisher
from stack import kafka


def push(engine: Engine, others: Sequence[Any] = (), pusher: Pusher | None = None) -> int:
    """Publish what is due and push it, with ``others`` of the messages the pusher reads."""
    before = ends(FEATURES.name)
    publisher = FeaturePublisher()
    while publisher.publish(engine.connection):
        pass
    registration.prepare()
    pusher = pusher or Pusher(kafka.producer())
    return pusher.write([*others, *since(before, FEATURES.name)])


def ends(topic: str) -> dict[int, int]:
    """The next offset of each partition."""
    with closing(kafka.consumer("test-pushed")) as consumer:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {
            n: consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1]
            for n in partitions
        }


def since(start: dict[int, int], topic: str) -> list[Any]:
    """The messages of a topic from these offsets on."""
    places = {(topic, number): offset for number, offset in start.items()}
    return [message for messages in kafka.remaining(places) for message in messages]
