"""Tells the Flink jobs which messages repeat an event, so that they take them back.

A job counts every valid message as it comes: to know an event it has seen, it would have to
remember them all. The archive has to know anyway. It notes a repeated message in the transaction
that passes over it, and publishes it on ``lms.duplicates`` under ``topic/partition/offset``; the
jobs count it once more, with the weight -1. A crash may publish it again; the jobs take each key
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from psycopg import Connection

from contracts.errors import Retryable
from contracts.topics import DUPLICATES

_NOTE = """
INSERT INTO archive_duplicates (message_key, value) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""


def repeated(lines: Sequence[str], stored: set[tuple[str, str]]) -> list[int]:
    """Numbers of the lines that repeat an event: all but the first of those that were stored.

    ``stored`` holds event id and timestamp as they stand in the lines.
    """
    left = set(stored)
    found = []
    for number, text in enumerate(lines):
        key = identity(text)
        if key in left:
            left.remove(key)
        else:
            found.append(number)
    return found


def identity(line: str) -> tuple[str, str]:
    """Event id and timestamp of a line for COPY."""
    event_id, _, _, timestamp, _ = line.split("\t", 4)
    return event_id, timestamp


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
