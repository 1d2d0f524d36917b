"""Where topics end: a test begins there, for others wrote before it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from confluent_kafka import TopicPartition
from psycopg import Connection

from contracts.ids import new_id
from stack import kafka


def ends(*topics: str) -> dict[tuple[str, int], int]:
    """The next offset of each partition, by topic and number."""
    with closing(kafka.consumer(f"test-{new_id()}")) as consumer:
        return {
            place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=30)[1]
            for place in kafka.places(*topics, client=consumer)
        }


def begin_at_the_end(database: Connection, consumer: str, topics: Iterable[str]) -> None:
    """A consumer of the inbox in this LMS's database hears of nothing that was before."""
    for (topic, number), offset in ends(*topics).items():
        database.execute(
            "INSERT INTO inbox_offsets (consumer, topic, partition, next_offset) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (consumer, topic, partition) "
            "DO UPDATE SET next_offset = EXCLUDED.next_offset",
            [consumer, topic, number, offset],
        )
