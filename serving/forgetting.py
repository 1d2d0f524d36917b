"""Drops what this process remembers of a person when the LMS erases them.

What Redis keeps of them is moved by the LMS, with all else (ADR 14).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from contracts.envelope import decode
from contracts.errors import Rejected, Retryable
from contracts.events.users import UserDeleted
from contracts.topics import USERS
from stack import kafka

GROUP = "serving-forgetting"  # no offsets are kept: a process that begins remembers nobody
BATCH = 1000
WAIT_S = 0.5

log = logging.getLogger("serving")


class Forgetting:
    """Reads the events of people from now on and calls ``forget`` with who was erased."""

    def __init__(self, forget: Callable[[str], None]) -> None:
        self._forget = forget
        self._consumer: Consumer | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def step(self) -> int:
        """Forget whoever was erased since the last time; their number. Raises ``Retryable``."""
        with self._lock:
            try:
                return self._step()
            except KafkaException as error:
                self._leave()
                raise Retryable(f"events of people cannot be read: {error}") from error

    def _step(self) -> int:
        if self._consumer is None:
            self._consumer = kafka.consumer(GROUP)
            places = kafka.places(USERS.name, client=self._consumer)
            # To the ends as they are now: an end read later may already be behind an event.
            ends = [
                self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1]
                for place in places
            ]
            self._consumer.assign(
                [TopicPartition(*place, end) for place, end in zip(places, ends, strict=True)]
            )
        forgotten = 0
        while not self._stopped and (messages := self._consumer.consume(BATCH, timeout=WAIT_S)):
            for message in messages:
                if (id_ := _erased(message)) is not None:
                    self._forget(id_)
                    forgotten += 1
        return forgotten

    def close(self) -> None:
        """Leave after the batch under way."""
        self._stopped = True
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()


def _erased(message: Message) -> str | None:
    """The person whom the message says is erased; the archive reports malformed messages."""
    if error := message.error():
        log.warning("Kafka: %s", error)
        return None
    value = message.value()
    if not value or UserDeleted.TYPE.encode() not in value:
        return None
    try:
        payload = decode(USERS.name, value).payload
    except Rejected:
        return None
    return payload.user_id if isinstance(payload, UserDeleted) else None
