"""The loop: take a batch from Kafka, store it with its offsets, go on from the stored offsets.

Kafka's own group offsets are not used. After any failure the archive resumes from its own table:
a batch is stored with its offsets, or neither is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import closing
from threading import Event

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from contracts import heartbeat
from contracts.dead_letters import DeadLetter
from contracts.errors import Misconfigured, Retryable
from contracts.heartbeat import Heartbeat
from contracts.topics import DEAD_LETTERS, EVENT_TOPICS, HEARTBEATS
from pipelines import dead_letters
from pipelines.archive import rows
from pipelines.archive.settings import ArchiveSettings
from pipelines.archive.table import ArchiveTable, Partition, behind
from stack import kafka

log = logging.getLogger("pipelines.archive")

BATCH = 20_000
"""Most messages in one transaction: about 10 MB of rows."""
GATHER_S = 0.05
"""How long a first message waits for more: freshness against fsyncs."""
CHECK_PARTITIONS_EVERY_S = 30.0
MAX_BACKOFF_S = 5.0

_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not prepared yet
    KafkaException,
    Retryable,
)


class Archive:
    """``run`` returns once ``stop`` is set, after the batch it is in."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def run(self) -> None:
        """Archive until stopped; waits while Kafka or PostgreSQL is unreachable.

        Raises ``Misconfigured`` where Kafka no longer has what comes next.
        """
        backoff_s = 0.1
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._session()
            except _AWAY as error:
                if time.monotonic() - started > 30:
                    backoff_s = 0.1
                log.warning("starting over in %.1f s: %s", backoff_s, error)
                self._stop.wait(backoff_s)
                backoff_s = min(MAX_BACKOFF_S, backoff_s * 2)

    def _session(self) -> None:
        with closing(ArchiveTable()) as table, closing(_consumer()) as consumer:
            producer = kafka.producer(**{"message.timeout.ms": 10_000})
            assigned = _assign(consumer, table)
            log.info("archiving %d partitions", len(assigned))
            table.publish_duplicates(producer)
            checked = reported = time.monotonic()
            stored = refused = 0
            waiting = len(dead_letters.read().open)
            while not self._stop.is_set():
                messages = _take(consumer)
                if messages:
                    events, beat = _split(messages)
                    batch = rows.read(events)
                    waiting += len(batch.letters)
                    _refuse_flood(waiting, batch.letters)
                    _send(producer, batch.letters)
                    new = table.store(batch, _reached(messages), beat)
                    if new < len(batch.rows):
                        table.publish_duplicates(producer)
                    stored += new
                    refused += len(batch.letters)
                now = time.monotonic()
                if now - checked > CHECK_PARTITIONS_EVERY_S:
                    checked = now
                    if set(_partitions(consumer)) != assigned:
                        return  # a topic has grown: begin again with all its partitions
                if now - reported > 10 and (stored or refused):
                    log.info("stored %d events, refused %d", stored, refused)
                    reported, stored, refused = now, 0, 0


def _refuse_flood(waiting: int, letters: Sequence[DeadLetter]) -> None:
    """Raises ``Misconfigured`` where this batch's dead letters are more than a person will review.

    The batch is neither stored nor skipped: it is read again once letters have been resolved, or
    the limit raised.
    """
    limit = ArchiveSettings().max_dead_letters
    if letters and waiting > limit:
        newest = letters[-1]
        raise Misconfigured(
            f"stopped before {newest.message_key}: {waiting} messages could not be read, and "
            f"LMS_ARCHIVE_MAX_DEAD_LETTERS is {limit}. The newest is refused because "
            f"{newest.reason}: {newest.detail}. Mend the producer, then replay or discard "
            "(learnstream dead-letters), or raise the limit",
            setting="LMS_ARCHIVE_MAX_DEAD_LETTERS",
        )


def _consumer() -> Consumer:
    return kafka.consumer(
        "archive",
        **{
            "auto.offset.reset": "error",  # a gap is reported, not skipped
            "queued.max.messages.kbytes": 65_536,
            "fetch.wait.max.ms": 50,
        },
    )


def _partitions(consumer: Consumer) -> list[Partition]:
    known = consumer.list_topics(timeout=10).topics
    wanted = [topic.name for topic in (*EVENT_TOPICS, HEARTBEATS)]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise Retryable(f"Kafka has no topic {', '.join(missing)}: run learnstream up")
    return [(name, number) for name in wanted for number in known[name].partitions]


def _assign(consumer: Consumer, table: ArchiveTable) -> set[Partition]:
    offsets = table.offsets()
    partitions = _partitions(consumer)
    low: dict[Partition, int] = {}
    for topic, number in partitions:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
        low[topic, number] = first
        offsets.setdefault((topic, number), first)
        if offsets[topic, number] > end:
            raise Misconfigured(
                f"the archive has {topic}/{number} up to offset {offsets[topic, number]}, but "
                f"Kafka ends at {end}: it is another Kafka. Point LMS_KAFKA_BOOTSTRAP_SERVERS "
                "and LMS_POSTGRES_ANALYTICS_URL at stores that belong together"
            )
    gap = behind(offsets, low)
    if gap:
        raise gap
    consumer.assign([TopicPartition(*key, offsets[key]) for key in partitions])
    return set(partitions)


def _take(consumer: Consumer) -> list[Message]:
    """The next batch: what comes within ``GATHER_S`` after the first message."""
    messages = consumer.consume(1, timeout=0.5)
    if messages:
        messages += consumer.consume(BATCH - 1, timeout=GATHER_S)
    for message in messages:
        error = message.error()
        if error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise Misconfigured(f"the archive's next message is gone from Kafka: {error.str()}")
        if error is not None:
            raise KafkaException(error)
    return messages


def _split(messages: Sequence[Message]) -> tuple[list[Message], Heartbeat | None]:
    """The events, and the newest heartbeat among them."""
    events = [message for message in messages if message.topic() != HEARTBEATS.name]
    if len(events) == len(messages):
        return events, None
    beats = [heartbeat.read(m.value()) for m in messages if m.topic() == HEARTBEATS.name]
    return events, next((beat for beat in reversed(beats) if beat), None)


def _reached(messages: Sequence[Message]) -> dict[Partition, int]:
    return {(m.topic() or "", m.partition() or 0): (m.offset() or 0) + 1 for m in messages}


def _send(producer: Producer, letters: Sequence[DeadLetter]) -> None:
    """Publish dead letters before their offsets are stored; a repeat has the same key."""
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for letter in letters:
        producer.produce(
            DEAD_LETTERS.name,
            key=letter.message_key,
            value=letter.model_dump_json().encode(),
            on_delivery=delivered,
        )
        producer.poll(0)
    if letters and (producer.flush(10) or failed):
        raise Retryable(f"dead letters could not be published: {failed[:1] or 'Kafka is away'}")
