"""Tells the Flink jobs which messages repeat an event, so that they take them back.

A job counts every valid message as it comes: to know an event it has seen, it would have to
remember them all. The archive has to know anyway. It notes a repeated message in the transaction
that passes over it, and publishes it on ``lms.duplicates`` under ``topic/partition/offset``; the
jobs count it once more, with the weight -1. Published twice within a moment, the jobs take it once;
they do not remember it for ever, so an archive that begins asks the topic what was told before.
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

_NOTE = """
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


def note(connection: Connection[Any], messages: Sequence[Message]) -> None:
    """In the transaction that passes over ``messages``."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _NOTE,
            [
                (f"{message.topic()}/{message.partition()}/{message.offset()}", message.value())
                for message in messages
            ],
        )


def forget_told(connection: Connection[Any]) -> int:
    """Strike out what was published before whoever did so could; returns how many.

    Raises ``Retryable`` where Kafka is away.
    """
    row = connection.execute(
        "SELECT extract(epoch FROM min(noted_at))::float8, array_agg(message_key) "
        "FROM archive_duplicates"
    ).fetchone()
    if row is None or row[0] is None:
        return 0
    told = _told_since(row[0] - _CLOCKS_APART_S) & set(row[1])
    connection.execute("DELETE FROM archive_duplicates WHERE message_key = ANY(%s)", [list(told)])
    return len(told)


def _told_since(moment: float) -> set[str]:
    """Keys on ``lms.duplicates`` from that moment (seconds since 1970) on."""
    with closing(kafka.consumer("duplicates")) as consumer:
        try:
            numbers = consumer.list_topics(DUPLICATES.name, timeout=10).topics[DUPLICATES.name]
            asked = [
                TopicPartition(DUPLICATES.name, number, int(moment * 1000))
                for number in numbers.partitions
            ]
            starts = consumer.offsets_for_times(asked, 10)
        except KafkaException as error:
            raise Retryable(f"Kafka cannot be asked what was told: {error}") from error
    # Behind the last message it says an offset below zero: there is nothing to read.
    places = {(DUPLICATES.name, one.partition): one.offset for one in starts if one.offset >= 0}
    return {
        (message.key() or b"").decode()
        for messages in kafka.remaining(places)
        for message in messages
    }


def tell(connection: Connection[Any], producer: Producer, most: int = 10_000) -> int:
    """Publish what was noted; returns how many. Raises ``Retryable`` where Kafka is away."""
    noted = connection.execute(
        "SELECT message_key, value FROM archive_duplicates LIMIT %s", (most,)
    ).fetchall()
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for key, value in noted:
        producer.produce(DUPLICATES.name, key=key, value=bytes(value), on_delivery=delivered)
        producer.poll(0)
    if noted and (producer.flush(10) or failed):
        raise Retryable(f"duplicates could not be told: {failed[:1] or 'Kafka is away'}")
    if noted:
        connection.execute(
            "DELETE FROM archive_duplicates WHERE message_key = ANY(%s)", ([k for k, _ in noted],)
        )
    return len(noted)
