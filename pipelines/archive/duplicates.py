"""Publishes which messages repeat an event, so that the Flink jobs subtract them.

A job counts every valid message as it arrives: to recognise a repeated event it would have to keep
all ids as state. The archive keeps them anyway. It records a repeated message in the transaction
that skips it, and publishes it on ``lms.duplicates`` under ``topic/partition/offset``; the jobs
count it again with the weight -1. Published twice in quick succession, the jobs count it once; they
forget after their state's TTL, so a starting archive first reads what it has already published.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import closing
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from psycopg import Connection

from contracts.errors import Retryable
from contracts.topics import DUPLICATES
from pipelines.archive.rows import Row
from stack import kafka

_RECORD = """
INSERT INTO archive_duplicates (message_key, value) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""

_CLOCKS_APART_S = 3600.0
"""How far Kafka's clock and the database's may differ."""


def repeated(rows: Sequence[Row], stored: Set[Row]) -> list[int]:
    """Numbers of the rows that repeat an event: all but the first of those that were stored.

    ``stored`` holds event id, timestamp and learner as they stand in the rows.
    """
    left = set(stored)
    found = []
    for number, (event_id, timestamp, _, user_id, *_) in enumerate(rows):
        key = event_id, timestamp, user_id or None
        if key in left:
            left.remove(key)
        else:
            found.append(number)
    return found


def record(connection: Connection[Any], messages: Sequence[Message]) -> None:
    """Record repeated ``messages``, in the transaction that skips them."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _RECORD,
            [
                (f"{message.topic()}/{message.partition()}/{message.offset()}", message.value())
                for message in messages
            ],
        )


def forget_published(connection: Connection[Any]) -> int:
    """Delete records whose publisher stopped before it could; returns how many.

    Raises ``Retryable`` where Kafka is away.
    """
    row = connection.execute(
        "SELECT extract(epoch FROM min(noted_at))::float8, array_agg(message_key) "
        "FROM archive_duplicates"
    ).fetchone()
    if row is None or row[0] is None:
        return 0
    published = _published_since(row[0] - _CLOCKS_APART_S) & set(row[1])
    connection.execute(
        "DELETE FROM archive_duplicates WHERE message_key = ANY(%s)", [list(published)]
    )
    return len(published)


def _published_since(since_s: float) -> set[str]:
    """Keys on ``lms.duplicates`` from that time (seconds since 1970) on."""
    with closing(kafka.consumer("duplicates")) as consumer:
        try:
            numbers = consumer.list_topics(DUPLICATES.name, timeout=10).topics[DUPLICATES.name]
            asked = [
                TopicPartition(DUPLICATES.name, number, int(since_s * 1000))
                for number in numbers.partitions
            ]
            starts = consumer.offsets_for_times(asked, 10)
        except KafkaException as error:
            raise Retryable(f"Kafka cannot be asked for published duplicates: {error}") from error
    # After the last message the offset is below zero: there is nothing to read.
    places = {(DUPLICATES.name, one.partition): one.offset for one in starts if one.offset >= 0}
    return {
        (message.key() or b"").decode()
        for messages in kafka.remaining(places)
        for message in messages
    }


def publish(connection: Connection[Any], producer: Producer, most: int = 10_000) -> int:
    """Publish what was recorded; returns how many. Raises ``Retryable`` where Kafka is away."""
    recorded = connection.execute(
        "SELECT message_key, value FROM archive_duplicates LIMIT %s", (most,)
    ).fetchall()
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for key, value in recorded:
        producer.produce(DUPLICATES.name, key=key, value=bytes(value), on_delivery=delivered)
        producer.poll(0)
    if recorded and (producer.flush(10) or failed):
        raise Retryable(f"duplicates could not be published: {failed[:1] or 'Kafka is away'}")
    if recorded:
        connection.execute(
            "DELETE FROM archive_duplicates WHERE message_key = ANY(%s)",
            ([k for k, _ in recorded],),
        )
    return len(recorded)
