"""The Postgres side of the archive: rows and offsets in one transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import psycopg
from confluent_kafka import Producer
from psycopg import Connection, sql

from contracts.errors import Misconfigured
from contracts.heartbeat import Heartbeat
from pipelines.archive import duplicates
from pipelines.archive.rows import COLUMNS, Batch, utc_text
from stack import postgres, pseudonyms
from stack.kafka import KafkaSettings

Partition = tuple[str, int]

_LOCK = 0x4C53_0002  # one archive at a time; any constant no other lock of ours uses
_ERASING = 0x4C53_0023
"""Held shared while a batch is stored, exclusively while a person is moved to another id
(``move_person``, migration 0035)."""
_COPY = sql.SQL("COPY {table} (" + ", ".join(COLUMNS) + ") FROM STDIN (FORMAT binary)")
_ADVANCE = """
INSERT INTO archive_offsets (topic, partition, next_offset) VALUES (%s, %s, %s)
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset
WHERE archive_offsets.next_offset < EXCLUDED.next_offset
"""
_RECORD_BATCH = """
INSERT INTO archive_batches (batch_no, events, first_at, last_at) VALUES (%s, %s, %s, %s)
"""
_ARRIVED = """
INSERT INTO archive_arrivals AS known (hour_at, topic, events, late, future)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (hour_at, topic) DO UPDATE
SET events = known.events + EXCLUDED.events, late = known.late + EXCLUDED.late,
    future = known.future + EXCLUDED.future
"""
_BEAT = """
INSERT INTO archive_heartbeat (heartbeat_id, sent_at, batch_no) VALUES (%s, %s, %s)
ON CONFLICT (one) DO UPDATE SET heartbeat_id = EXCLUDED.heartbeat_id, sent_at = EXCLUDED.sent_at,
    batch_no = EXCLUDED.batch_no
"""
_MARK = """
INSERT INTO archive_marks (batch_no, offsets, arrived)
SELECT %(batch_no)s,
       (SELECT coalesce(jsonb_object_agg(topic, places), '{}')
        FROM (SELECT topic, jsonb_object_agg(partition, next_offset) AS places
              FROM archive_offsets GROUP BY topic) AS of_topic),
       (SELECT coalesce(jsonb_object_agg(topic, n), '{}')
        FROM (SELECT topic, sum(events) AS n FROM archive_arrivals GROUP BY topic) AS of_topic)
"""
_FORGET_MARKS = """
DELETE FROM archive_marks WHERE marked_at < now() - %(kept)s AND batch_no < (
    SELECT max(batch_no) FROM archive_marks WHERE marked_at < now() - %(kept)s)
"""
_MARK_EVERY_S = 3600.0
_LAST_BATCH = """
SELECT greatest((SELECT max(batch_no) FROM archive_batches),
                (SELECT max(batch_no) FROM archive_marks),
                (SELECT done_batch_no FROM derive_position), 0)
"""


class ArchiveTable:
    """One connection that is the only archive: it holds an advisory lock as long as it lives."""

    def __init__(self) -> None:
        self._connection: Connection[Any] = postgres.connect_analytics(
            autocommit=True,
            connect_timeout=5,
            application_name="learnstream-archive",
            options="-c timezone=UTC",
        )
        self._connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        self._cleaned = False
        self._marked = float("-inf")
        # Under the lock nobody else counts batches: their order is the order of their commits.
        self._batch_no: int = self._connection.execute(_LAST_BATCH).fetchone()[0]  # type: ignore[index]

    def close(self) -> None:
        self._connection.close()

    def offsets(self) -> dict[Partition, int]:
        """The offset to read next, by topic and partition."""
        found = self._connection.execute(
            "SELECT topic, partition, next_offset FROM archive_offsets"
        )
        return {(topic, partition): offset for topic, partition, offset in found}

    def store(
        self, batch: Batch, reached: Mapping[Partition, int], beat: Heartbeat | None = None
    ) -> int:
        """Store rows, record their batch for the derivation, advance offsets: all or nothing.

        Returns how many rows were new. A heartbeat makes a batch, if an empty one: it counts as
        derived when the events of its batch are.
        """
        number = self._batch_no + 1
        stored = 0
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_ERASING,))
            batch.rename(pseudonyms.read(self._connection))
            if batch.rows:
                stored = self._insert(batch, number)
            with self._connection.cursor() as cursor:
                hour_at = batch.at.replace(minute=0, second=0, microsecond=0)
                arrived = [(hour_at, topic, *counts) for topic, counts in batch.arrivals().items()]
                cursor.executemany(_ARRIVED, arrived)
            if stored or beat:
                self._connection.execute(
                    _RECORD_BATCH, [number, stored, *(batch.span() or (None, None))]
                )
            if beat:
                self._connection.execute(_BEAT, [beat.heartbeat_id, beat.sent_at, number])
            with self._connection.cursor() as cursor:
                cursor.executemany(_ADVANCE, [(*key, offset) for key, offset in reached.items()])
            marking = stored > 0 and time.monotonic() - self._marked > _MARK_EVERY_S
            if marking:
                self.mark(number)
        if marking:
            self._marked = time.monotonic()
        self._batch_no = number
        return stored

    def mark(self, number: int) -> None:
        """Record the offsets at batch ``number``, in its transaction."""
        self._connection.execute(_MARK, {"batch_no": number})
        if (kept := KafkaSettings().kept_for()) is not None:
            self._connection.execute(_FORGET_MARKS, {"kept": kept})

    def _insert(self, batch: Batch, number: int) -> int:
        try:
            with self._connection.transaction():
                return self._copy("activity_events", batch, number)
        except psycopg.errors.UniqueViolation:
            # A producer sent an event again: rare, so only then the slower statement that skips it.
            return self._merge(batch, number)

    def _merge(self, batch: Batch, number: int) -> int:
        self._connection.execute(
            "CREATE TEMP TABLE arrived (LIKE activity_events INCLUDING DEFAULTS) ON COMMIT DROP"
        )
        self._copy("arrived", batch, number)
        stored = self._connection.execute(
            "INSERT INTO activity_events SELECT * FROM arrived ON CONFLICT DO NOTHING "
            "RETURNING event_id::text, timestamp, user_id::text"
        ).fetchall()
        if batch.messages:
            known = {
                (id_.encode(), utc_text(at), user_id and user_id.encode())
                for id_, at, user_id in stored
            }
            again = duplicates.repeated(batch.rows, known)
            duplicates.record(self._connection, [batch.messages[number] for number in again])
        return len(stored)

    def publish_duplicates(self, producer: Producer) -> None:
        """Publish the repeated messages that are recorded and not yet published."""
        if not self._cleaned:
            duplicates.forget_published(self._connection)
            self._cleaned = True
        while duplicates.publish(self._connection, producer):
            pass

    def _copy(self, table: str, batch: Batch, number: int) -> int:
        command = _COPY.format(table=sql.Identifier(table))
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for block in batch.copied(number):
                copy.write(block)
        return len(batch.rows)


def behind(offsets: Mapping[Partition, int], low: Mapping[Partition, int]) -> Misconfigured | None:
    """The error of an archive whose next messages Kafka no longer has; None where all is well."""
    for (topic, partition), offset in sorted(offsets.items()):
        if offset < low.get((topic, partition), 0):
            return Misconfigured(
                f"the archive needs {topic}/{partition} from offset {offset}, but Kafka keeps it "
                f"only from {low[topic, partition]}: raise the topic's retention, and restore the "
                "gap from a backup of Kafka",
                topic=topic,
                partition=partition,
            )
    return None
