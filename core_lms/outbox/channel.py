"""The relay's side of Kafka: one batch is one transaction that also carries the batch's number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from confluent_kafka import KafkaException, TopicPartition

from contracts.history import HEADERS as HISTORY
from contracts.topics import LMS_TOPICS
from core_lms.outbox.failpoint import reached
from core_lms.outbox.settings import OutboxSettings
from core_lms.outbox.table import Batch, Row
from gateway.telemetry import tracing
from stack import kafka
from stack.deadline import within

T = TypeVar("T")
Headers = list[tuple[str, str | bytes | None]]

log = logging.getLogger("core_lms.outbox")

CALL_S = 5.0
"""How long one call of the client blocks before it is called again."""

CLOSE_S = 2.0
"""How long the clients of a lost broker may take to end."""


def group_of(outbox_id: str) -> str:
    """Name of the group, and of the transactional producer, of one outbox."""
    return f"learnstream-outbox-{outbox_id}"


class Channel:
    """A transactional producer whose progress is the committed offset of a group nobody joins.

    The offset commits or aborts together with the batch, so after any crash it says whether the
    batch that was intended last is in Kafka.
    """

    def __init__(self, outbox_id: str, settings: OutboxSettings) -> None:
        self._settings = settings
        self._name = group_of(outbox_id)
        self._position = TopicPartition(LMS_TOPICS[0].name, 0)
        self._consumer = kafka.consumer(self._name)
        self._producer = kafka.producer(
            **{
                "transactional.id": self._name,
                "transaction.timeout.ms": int(settings.transaction_timeout_s * 1000),
                "linger.ms": 1,
            }
        )

    def fence(self) -> None:
        """End our predecessor's transaction, committed or aborted, and lock out its producer."""
        init = self._producer.init_transactions
        self._in_time("fencing", lambda: self._until_done(init))

    def published_no(self) -> int | None:
        """Number of the last batch in Kafka; None where Kafka knows of none."""
        [position] = self._in_time(
            "asking for the last batch",
            lambda: self._consumer.committed([self._position], timeout=CALL_S * 2),
        )
        if position.error is not None:
            raise KafkaException(position.error)
        return position.offset if position.offset >= 0 else None

    def publish(self, batch: Batch) -> None:
        """Returns once the batch is visible to read_committed readers.

        Any error leaves the outcome open: start over with a new channel, which finds out.
        """
        self._in_time("a transaction", lambda: self._publish(batch))

    def _publish(self, batch: Batch) -> None:
        producer = self._producer
        producer.begin_transaction()
        for place, row in enumerate(batch.rows):
            if place == len(batch.rows) // 2:
                reached("begun")
            self._produce(row)
        producer.flush(self._settings.transaction_timeout_s)
        reached("flushed")
        position = TopicPartition(self._position.topic, self._position.partition, batch.number)
        group = self._consumer.consumer_group_metadata()
        self._until_done(producer.send_offsets_to_transaction, [position], group)
        reached("offsets_sent")
        self._until_done(producer.commit_transaction)
        reached("committed")

    def close(self) -> None:
        """Abort what is open, if the broker answers, so that readers need not wait.

        Where the clients do not come to an end themselves they are left behind: the next channel
        has fenced them off, and a relay that waits for them publishes nothing.
        """
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(CLOSE_S)
        if ending.is_alive():
            log.warning("the clients of a lost broker do not end: going on without them")

    def _end(self) -> None:
        # None open, or no broker there: then transaction.timeout.ms ends it.
        with suppress(KafkaException):
            self._producer.abort_transaction(1.0)
        self._producer.purge()
        self._producer.close()
        self._consumer.close()

    def _produce(self, row: Row) -> None:
        while True:
            try:
                headers = _headers(row)
                if headers:
                    self._producer.produce(row.topic, row.message, row.key, headers=headers)
                else:
                    self._producer.produce(row.topic, row.message, row.key)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _in_time(self, what: str, call: Callable[[], T]) -> T:
        """``call``, or ``Retryable``: by then Kafka aborts what was open, and waiting is vain."""
        return within(self._settings.transaction_timeout_s + 1.0, what, call)

    def _until_done(self, call: Callable[..., Any], *args: Any) -> None:
        """Repeat a transactional call that timed out: librdkafka resumes it where it stood."""
        deadline = time.monotonic() + self._settings.transaction_timeout_s
        while True:
            try:
                call(*args, CALL_S)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise


def _headers(row: Row) -> Headers:
    traced: Headers = []
    if row.traceparent is not None:
        traced = [(tracing.HEADER, row.traceparent.encode())]
    return traced + HISTORY if row.history else traced
