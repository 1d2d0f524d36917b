"""Where a consumer stands in each partition: kept in Postgres, compared with what Kafka has."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from confluent_kafka import Consumer as KafkaClient
from confluent_kafka import TopicPartition
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.errors import Misconfigured, Retryable
from core_lms.inbox.declarations import Consumer
from core_lms.inbox.history import Cut
from core_lms.inbox.waits import Partition
from stack import kafka
from stack.queries import load

_sql = load(__file__)

Bounds = Mapping[Partition, tuple[int, int]]


def bounds(client: KafkaClient, consumer: Consumer) -> dict[Partition, tuple[int, int]]:
    """The first offset that Kafka has and the one behind the last, by partition. Blocks."""
    found = {}
    for partition in kafka.places(*consumer.topics, client=client):
        both = client.get_watermark_offsets(TopicPartition(*partition), timeout=10)
        if both is None:
            raise Retryable(f"Kafka does not answer with the offsets of {partition[0]}")
        found[partition] = both
    return found


def begins_in_archive(consumer: Consumer, registered: Set[str], known: Bounds) -> set[str]:
    """New topics of a consumer of all history whose first messages Kafka has no longer."""
    expired = {topic for (topic, _), (low, _) in known.items() if low > 0}
    return set() if consumer.begin == "latest" else expired - registered


async def topics(pool: AsyncConnectionPool[Any], consumer: Consumer) -> set[str]:
    """The topics of which the consumer has a position."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_sql["positions"], {"consumer": consumer.name})
        return {row["topic"] for row in await cursor.fetchall()}


async def read(
    pool: AsyncConnectionPool[Any],
    consumer: Consumer,
    known: Bounds,
    cut: Cut | None = None,
) -> dict[Partition, int]:
    """The next offset of every partition; those seen for the first time are registered.

    With ``cut``, those of topics that begin in the archive where it stands then.
    """
    async with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        await cursor.execute(_sql["positions"], {"consumer": consumer.name})
        before = {(row["topic"], row["partition"]) for row in await cursor.fetchall()}
        topics = {topic for topic, _ in before}
        for (topic, partition), (low, high) in known.items():
            if (topic, partition) in before:
                continue
            # A partition that was added later is read whole, wherever the consumer began.
            latest = consumer.begin == "latest" and topic not in topics
            values = {"consumer": consumer.name, "topic": topic, "partition": partition}
            at = high if latest else low
            if cut is not None and topic in begins_in_archive(consumer, topics, known):
                at = max(low, cut.offsets.get((topic, partition), low))
                history = {"consumer": consumer.name, "topic": topic, "upto": cut.upto}
                await cursor.execute(_sql["register_history"], history)
            await cursor.execute(_sql["register"], {**values, "next_offset": at})
        await cursor.execute(_sql["positions"], {"consumer": consumer.name})
        stored = {
            (row["topic"], row["partition"]): int(row["next_offset"])
            for row in await cursor.fetchall()
        }
    return {partition: stored[partition] for partition in known}


async def history(
    pool: AsyncConnectionPool[Any], consumer: Consumer
) -> tuple[str, int, int] | None:
    """A topic of which the archive was not applied whole yet, up to which batch, and how far."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_sql["history"], {"consumer": consumer.name})
        row = await cursor.fetchone()
        return None if row is None else (row["topic"], row["upto_batch"], row["next_offset"])


async def end_history(pool: AsyncConnectionPool[Any], consumer: Consumer, topic: str) -> None:
    async with pool.connection() as connection:
        values = {"consumer": consumer.name, "topic": topic}
        await connection.execute(_sql["end_history"], values)


def check(consumer: Consumer, stored: Mapping[Partition, int], known: Bounds) -> None:
    """Raises ``Misconfigured`` where Kafka does not have what comes next.

    ``known`` was asked after ``stored`` was read: another process may move on at any moment.
    """
    for (topic, partition), at in stored.items():
        low, high = known[topic, partition]
        if not low <= at <= high:
            raise _gap(consumer.name, topic, partition, at, low, high)


def _gap(name: str, topic: str, partition: int, at: int, low: int, high: int) -> Misconfigured:
    return Misconfigured(
        f"consumer {name} goes on at offset {at} of {topic}/{partition}, but Kafka has {low} to "
        f"{high}: the database and Kafka do not belong together, or retention has cut what was "
        "not applied yet. Point LMS_POSTGRES_APP_URL and LMS_KAFKA_BOOTSTRAP_SERVERS at stores "
        "that do; or, to go on from what Kafka has: DELETE FROM inbox_offsets WHERE consumer = "
        f"'{name}' AND topic = '{topic}'",
        consumer=name,
        topic=topic,
        partition=partition,
    )
