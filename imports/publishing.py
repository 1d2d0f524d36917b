"""Publishes a history to Kafka exactly once, in chunks of days, through any crash.

The group offset is the calendar: after each chunk the day up to which everything is published is
committed as an offset of the import's consumer group, in the same Kafka transaction as the chunk's
messages. So Kafka itself knows where to go on, and a second import finds nothing left to do.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import duckdb
import pyarrow as pa
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from contracts.errors import Retryable
from contracts.history import HEADERS
from contracts.topics import CONTENT, EVENT_TOPICS
from stack import kafka
from stack.deadline import within

CHUNK_EVENTS = 100_000
"""Most events of a transaction: enough to make its commit cheap, few enough for memory."""

PATIENCE_S = 240.0
"""How long Kafka may be away before the import gives up (it can be run again at any time)."""

STUCK_S = 60.0
"""A chunk's transaction takes about a second, on a busy machine up to twenty."""

QUIET = {"log_level": 2}
"""We report an absent broker once; librdkafka would write a line per attempt."""

Headers = list[tuple[str, str | bytes | None]] | None

Batch = list[tuple[str, list[bytes], list[bytes]]]
"""Per topic: keys and values, in order."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """All events from one day up to, not including, another."""

    first_day: int
    end_day: int
    events: int


def chunks(db: duckdb.DuckDBPyConnection, until_day: int) -> list[Chunk]:
    """Cut the days before ``until_day`` into chunks; a day is never split."""
    days = db.execute(
        "SELECT day, count(*) FROM message WHERE day < ? GROUP BY day ORDER BY day", [until_day]
    ).fetchall()
    cut: list[Chunk] = []
    first, count = (days[0][0] if days else 0), 0
    for day, events in days:
        if count and count + events > CHUNK_EVENTS:
            cut.append(Chunk(first, day, count))
            first, count = day, 0
        count += events
    if count:
        cut.append(Chunk(first, days[-1][0] + 1, count))
    return cut


def publish(
    db: duckdb.DuckDBPyConnection,
    group: str,
    until_day: int,
    published: Callable[[int], None] = lambda events: None,
    *,
    notify: bool = False,
) -> int:
    """Publish the rows of ``message`` before ``until_day`` that Kafka lacks; returns their number.

    ``published`` is called with the number of events of each chunk once it is committed or found to
    have been committed earlier. Nobody is notified of what happened then, unless ``notify``.
    Raises ``Retryable`` where Kafka stays away for ``PATIENCE_S``.
    """
    done = 0
    headers = None if notify else HEADERS
    todo = chunks(db, until_day)
    deadline = time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(1, thread_name_prefix="chunks") as reader:
        while True:
            try:
                with _session(group) as (producer, position):
                    at = position.day()
                    for chunk in todo:
                        if chunk.end_day <= at:
                            published(chunk.events)
                    todo = [chunk for chunk in todo if chunk.end_day > at]
                    for chunk, batch in _read_ahead(db, reader, todo, at):
                        _commit(producer, position, batch, chunk.end_day, headers)
                        done += sum(len(values) for _, _, values in batch)
                        published(chunk.events)
                        todo = todo[1:]
                        deadline = time.monotonic() + PATIENCE_S
                    return done
            except (KafkaException, Retryable) as error:
                # Whether the last transaction was committed is unknown here; a new producer with
                # the same transactional.id ends it, and the group's offset then says how.
                if time.monotonic() > deadline:
                    raise Retryable(
                        f"Kafka is away ({error.args[0]}); run the import again to go on from "
                        "where it stopped"
                    ) from error
                time.sleep(0.5)


@dataclass(frozen=True, slots=True)
class _Position:
    """The group's offset, whose number is a day."""

    consumer: Consumer
    partition = (CONTENT.name, 0)

    def day(self) -> int:
        """The day up to which everything is published; a negative offset means none yet."""
        [found] = self.consumer.committed([TopicPartition(*self.partition)], timeout=30)
        if found.error:
            raise KafkaException(found.error)
        return int(found.offset)


@contextlib.contextmanager
def _session(group: str) -> Iterator[tuple[Producer, _Position]]:
    producer = kafka.producer(
        **{
            "transactional.id": group,  # fences an import of the same source that still runs
            "queue.buffering.max.messages": 2 * CHUNK_EVENTS,
            "queue.buffering.max.kbytes": 256 * 1024,
            "batch.size": 512 * 1024,
            "linger.ms": 20,
            "transaction.timeout.ms": 60_000,
            **QUIET,
        }
    )
    consumer = kafka.consumer(group, **QUIET)
    try:
        producer.init_transactions(30)  # aborts what a killed import left open
        yield producer, _Position(consumer)
    finally:
        consumer.close()
        producer.purge(blocking=False)


def _commit(
    producer: Producer, position: _Position, batch: Batch, end_day: int, headers: Headers
) -> None:
    producer.begin_transaction()
    produce = producer.produce if headers is None else partial(producer.produce, headers=headers)
    for topic, keys, values in batch:
        for key, value in zip(keys, values, strict=True):
            try:
                produce(topic, value, key)
            except BufferError:  # the local queue is full: let the broker catch up
                while len(producer) > CHUNK_EVENTS:
                    producer.poll(0.05)
                produce(topic, value, key)
        producer.poll(0)

    def close() -> None:
        producer.send_offsets_to_transaction(
            [TopicPartition(*position.partition, end_day)],
            position.consumer.consumer_group_metadata(),
            15,
        )
        producer.commit_transaction(30)

    within(STUCK_S, "a transaction", close)


def _read_ahead(
    db: duckdb.DuckDBPyConnection, reader: ThreadPoolExecutor, todo: Sequence[Chunk], at: int
) -> Iterator[tuple[Chunk, Batch]]:
    """Read the next chunk while one is published. Only the reader's thread touches ``db``."""
    ahead: deque[tuple[Chunk, Future[Batch]]] = deque()
    for chunk in todo:
        first_day = max(chunk.first_day, at)  # a killed import may have cut the days otherwise
        ahead.append((chunk, reader.submit(_read, db, first_day, chunk.end_day)))
        if len(ahead) > 1:
            ready, batch = ahead.popleft()
            yield ready, batch.result()
    for ready, batch in ahead:
        yield ready, batch.result()


def _read(db: duckdb.DuckDBPyConnection, first_day: int, end_day: int) -> Batch:
    batch = []
    for topic in EVENT_TOPICS:
        table = db.sql(
            "SELECT key, value FROM message WHERE topic = $topic AND day >= $first AND day < $end",
            params={"topic": topic.name, "first": first_day, "end": end_day},
        ).to_arrow_table()
        if table.num_rows:
            batch.append((topic.name, _bytes(table["key"]), _bytes(table["value"])))
    return batch


def _bytes(column: pa.ChunkedArray) -> list[bytes]:
    """The UTF-8 of each text, cut straight out of Arrow's buffers: thrice as fast as a list."""
    texts: list[bytes] = []
    for chunk in column.chunks:
        _, offsets, data = chunk.buffers()
        wide = pa.types.is_large_string(chunk.type)
        starts = memoryview(offsets).cast("q") if wide else memoryview(offsets).cast("i")
        ends = starts[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
        text = data.to_pybytes()
        texts += [text[start:end] for start, end in pairwise(ends)]
    return texts
