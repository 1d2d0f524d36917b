"""Publishes events straight to Kafka, as a service other than the LMS does, until it has each."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, Message

from contracts.envelope import Envelope
from stack import kafka

ANY = -1
"""The partition that the event's key decides."""
PATIENCE_S = 120


def publish(events: Iterable[tuple[Envelope, int]], pause_s: float = 0.0) -> None:
    """Each to its partition; waits for a Kafka that is away, and fails after ``PATIENCE_S``."""
    producer = kafka.producer(**{"message.timeout.ms": PATIENCE_S * 1000, "log_level": 2})
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for event, partition in events:
        producer.produce(event.topic, event.encode(), event.key, partition, on_delivery=delivered)
        producer.poll(0)
        time.sleep(pause_s)
    left = producer.flush(PATIENCE_S)
    assert not failed, f"an event was not taken: {failed[0]}"
    assert not left, f"{left} events were not taken"
