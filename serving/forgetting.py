"""What serving remembers of a person goes when the LMS has forgotten them."""

from __future__ import annotations

import logging
import threading

from confluent_kafka import Consumer, KafkaException, Message
from redis import Redis

from contracts.envelope import decode
from contracts.errors import Rejected, Retryable
from contracts.events.users import UserDeleted
from contracts.topics import USERS
from serving.signals import remembered_keys
from stack import kafka

GROUP = "serving-forgetting"
BATCH = 1000
WAIT_S = 0.5

log = logging.getLogger("serving")


class Forgetting:
    """Reads the events of people; its position is kept, so that nobody is missed while it is off.

    Several processes share the work. Forgetting twice changes nothing.
    """

    def __init__(self, client: Redis, group: str = GROUP) -> None:
        self._redis, self._group = client, group
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
            self._consumer = kafka.consumer(self._group)
            self._consumer.subscribe([USERS.name])
        forgotten = 0
        while not self._stopped and (messages := self._consumer.consume(BATCH, timeout=WAIT_S)):
            gone = [id_ for message in messages if (id_ := _erased(message)) is not None]
            if gone:
                self._redis.delete(*(key for id_ in gone for key in remembered_keys(id_)))
            self._consumer.commit(asynchronous=False)
            forgotten += len(gone)
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
    """The person whom the message says is erased; what is malformed the archive tells of."""
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
