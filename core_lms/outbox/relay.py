"""The relay: takes batches from the outbox to Kafka, each exactly once, in order per key.

One round is: delete the batch that is in Kafka and intend the next one (one Postgres transaction),
then publish it together with its number (one Kafka transaction). Whatever dies in between, the
number in Kafka says whether the intended batch was published. See
``docs/adr/0001-outbox-relay.md``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

import psycopg
from confluent_kafka import KafkaException

from contracts.errors import Misconfigured, Retryable
from contracts.topics import HEARTBEATS, LMS_TOPICS
from core_lms.outbox.channel import CALL_S, Channel
from core_lms.outbox.failpoint import reached
from core_lms.outbox.settings import OutboxSettings
from core_lms.outbox.table import Batch, OutboxTable
from stack import kafka
from stack.postgres import PostgresSettings

log = logging.getLogger("core_lms.outbox")

_TOPICS = [topic.name for topic in (*LMS_TOPICS, HEARTBEATS)]

AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not migrated yet
    KafkaException,
    Retryable,
)
"""How a server that is away or was restarted appears: start over, find out, go on."""


@dataclass(slots=True)
class Tally:
    """What was published since the last log line."""

    since: float
    batches: int = 0
    events: int = 0
    oldest_s: float = 0.0
    """The longest an event of these batches waited from its transaction's start to Kafka."""

    def add(self, batch: Batch, now: datetime) -> None:
        self.batches += 1
        self.events += len(batch.rows)
        waited_s = (now - batch.rows[0].created_at).total_seconds()
        self.oldest_s = max(self.oldest_s, waited_s)


class Relay:
    """``run`` returns after ``stop`` is set, at the end of the round it is in."""

    def __init__(self, stop: Event, settings: OutboxSettings | None = None) -> None:
        self._stop = stop
        self._settings = settings or OutboxSettings()
        self._tally = Tally(since=time.monotonic())

    def run(self) -> None:
        """Relay until stopped; waits for servers that are away.

        Raises ``Misconfigured`` where going on could publish an event twice or lose one.
        """
        backoff_s = self._settings.backoff_min_s
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._session()
            except AWAY as error:
                if time.monotonic() - started > 30:
                    backoff_s = self._settings.backoff_min_s
                log.warning("starting over", extra={"error": str(error), "pause_s": backoff_s})
                self._stop.wait(backoff_s)
                backoff_s = min(backoff_s * 2, self._settings.backoff_max_s)

    def _session(self) -> None:
        """From taking the lock to losing a part: everything known is read anew."""
        url = PostgresSettings().lms_url
        with closing(OutboxTable(url, self._settings)) as table:
            if not self._wait_for_lock(table):
                return
            reached("locked")
            kafka.places(*_TOPICS, timeout_s=CALL_S)  # those it may not create: it waits for them
            with self._channel(table) as (channel, published_no, published_ids):
                self._relay(table, channel, published_no, published_ids)

    def _wait_for_lock(self, table: OutboxTable) -> bool:
        waiting = False
        while not self._stop.is_set():
            if table.try_lock():
                return True
            if not waiting:
                log.info("another relay is at work: waiting for its end")
                waiting = True
            self._stop.wait(0.2)
        return False

    @contextmanager
    def _channel(self, table: OutboxTable) -> Iterator[tuple[Channel, int, list[int]]]:
        """A fenced channel, the last published number, and the rows that are already in Kafka."""
        book = table.bookkeeping()
        with closing(Channel(book.outbox_id, self._settings)) as channel:
            channel.fence()
            reached("fenced")
            known = channel.published_no()
            if known is not None and known > book.batch_no:
                raise Misconfigured(
                    f"Kafka has batch {known} of outbox {book.outbox_id}, the database only knows "
                    f"{book.batch_no}: it is a copy or was restored from a backup. To go on, and "
                    "publish again what the restored outbox still holds: UPDATE outbox_relay SET "
                    "outbox_id = gen_random_uuid(), batch_no = 0, published_no = 0, row_ids = '{}'",
                    outbox_id=book.outbox_id,
                )
            if (known or 0) < book.published_no and table.any_left(book.row_ids):
                raise Misconfigured(
                    f"Kafka no longer knows which batch of outbox {book.outbox_id} it got last "
                    f"(it had {book.published_no}, now {known}), and batch {book.batch_no} is "
                    "open: check whether its events are in Kafka. If so: DELETE FROM outbox USING "
                    "outbox_relay WHERE id = ANY(row_ids). Then: UPDATE outbox_relay SET outbox_id "
                    "= gen_random_uuid(), batch_no = 0, published_no = 0, row_ids = '{}'",
                    outbox_id=book.outbox_id,
                )
            reached("recovered")
            log.info("relaying", extra={"batch": book.batch_no, "published": known})
            if known == book.batch_no:
                yield channel, known, book.row_ids
            else:
                yield channel, min(known or 0, book.batch_no), []

    def _relay(
        self, table: OutboxTable, channel: Channel, published_no: int, published_ids: list[int]
    ) -> None:
        pause_s = self._settings.poll_min_s
        while not self._stop.is_set():
            began = time.monotonic()
            batch = table.next(published_no, published_ids)
            published_ids = []
            if batch is None:
                self._report()
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 1.5, self._settings.poll_max_s)
                continue
            pause_s = self._settings.poll_min_s
            reached("intended")
            channel.publish(batch)
            published_no, published_ids = batch.number, batch.ids
            self._tally.add(batch, datetime.now(UTC))
            self._report()
            if len(batch.rows) < self._settings.batch_rows:
                self._stop.wait(max(0.0, began + self._settings.round_min_s - time.monotonic()))
        if published_ids:
            # The last words: what is in Kafka leaves the outbox; nothing new is taken up.
            table.forget(published_no, published_ids)

    def _report(self) -> None:
        now = time.monotonic()
        elapsed_s = now - self._tally.since
        if elapsed_s < self._settings.log_every_s:
            return
        if self._tally.batches:
            log.info(
                "published",
                extra={
                    "batches": self._tally.batches,
                    "events": self._tally.events,
                    "events_per_s": round(self._tally.events / elapsed_s, 1),
                    "lag_ms": round(self._tally.oldest_s * 1000, 1),
                },
            )
        self._tally = Tally(since=now)
