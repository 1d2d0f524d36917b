"""The process between derivation and feature store: ``lms.features`` → history, online store.

Tiles of the Flink jobs go to Redis alone (``features.tile_push``): their history is the jobs' own
table.

Order of work per batch: consent, history row, online row, trail, dead letters, and only
then the offsets. A crash anywhere repeats the batch, and repeating changes nothing. One backlog's
many rows of a key cost one online write: only the newest is pushed.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psycopg
import redis.exceptions
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from feast import FeatureStore

from contracts import tiles
from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected, Retryable
from contracts.feature_views import View
from contracts.features import FeatureRow
from contracts.topics import DEAD_LETTERS, FEATURES, USERS
from features import consent, course_push, history, rows, store, trail
from features.catalogue import VIEWS
from features.tile_push import REWIND_S, TilePusher, load
from stack import kafka, postgres
from stack import redis as stack_redis

GROUP = "feature-push"
BATCH = 20_000
"""Most messages taken at once: a backlog then costs few writes per key."""
GATHER_S = 0.02
"""How long a batch waits for more after its first message: freshness against throughput."""
MAX_BACKOFF_S = 5.0
REPORT_S = 10.0
CHECK_S = 1.0
"""How often the process looks whether Redis was lost or a job counted anew."""
_FILLED = "learnstream:features:filled"
"""Set in Redis once the online store has every newest row of history."""

log = logging.getLogger("features.push")


class Pusher:
    """Writes batches of messages; holds the connections and opens them again after a failure."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._redis = stack_redis.client()
        self._tiles = TilePusher(self._redis)
        self._store: FeatureStore | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._check_at = 0.0
        self.behind = False
        """Tiles were filled from history, which may lag what messages of the last minutes said."""

    def write(self, messages: Sequence[Message]) -> int:
        """Write one batch; returns the number of valid rows. Raises ``Retryable``."""
        accepted: dict[str, list[FeatureRow]] = {}
        changed: list[tuple[tiles.TileRow, int]] = []
        choices: list[Envelope] = []
        for message in messages:
            if message.topic() == USERS.name:
                choices += _of_people(message.value())
                continue
            value = message.value()
            try:
                if value is not None and tiles.MARK in value:
                    changed.append((tiles.decode(value), message.timestamp()[1]))
                    continue
                row = rows.decode(value)
            except Rejected as error:
                self._refuse(message, error)
            else:
                accepted.setdefault(row.feature_view, []).append(row)
        feature_store = self._ready()
        with self._guard():
            if gone := consent.apply(self._open(), self._redis, choices):
                log.info("removed the features of %d people without consent", len(gone))
            if back := {str(getattr(one.payload, "user_id", "")) for one in choices} - {*gone, ""}:
                with consent.writing(self._open()):
                    self._load(back)
        for name, batch in accepted.items():
            view = VIEWS[name]
            with self._guard(), consent.writing(self._open()):
                agreed = consent.agreed(self._open(), view, batch)
                present = [row for row in agreed if not row.past]
                newest = list({row.entity_id: row for row in present}.values())
                history.write(self._open(), view, agreed)
                store.push(feature_store, view, newest)
                trail.extend(self._redis, view, present)
        if changed:
            with self._guard(), consent.writing(self._open()):
                self.behind |= self._tiles.write(self._open(), changed)
        if self._producer.flush(10):
            raise Retryable("dead letters could not be published: Kafka does not answer")
        return sum(map(len, accepted.values())) + len(changed)

    def _ready(self) -> FeatureStore:
        """The store, filled again from history where Redis came back empty."""
        with self._guard():
            if self._store is None:
                self._store = store.opened()
            if time.monotonic() >= self._check_at:
                if not self._redis.exists(_FILLED):
                    self._fill(self._store)
                with consent.writing(self._open()):
                    self.behind |= self._tiles.ready(self._open())
                self._check_at = time.monotonic() + CHECK_S
            return self._store

    def _load(self, user_ids: set[str]) -> None:
        """What history has of people who agree again, or for the first time."""
        new = consent.renamed(self._open(), list(user_ids))
        people = [new.get(one, one) for one in user_ids]
        load(self._open(), self._redis, tiles.LEARNER_TILES, time.time(), people)

    def _fill(self, feature_store: FeatureStore) -> None:
        for view in VIEWS.values():
            total, batch = 0, []
            for row in history.newest(self._open(), view):
                batch.append(row)
                if len(batch) == BATCH:
                    total += self._refill(feature_store, view, batch)
                    batch = []
            total += self._refill(feature_store, view, batch)
            if total:
                log.info("filled %s again from history: %d rows", view.name, total)
        self._redis.set(_FILLED, "1")

    def _refill(self, feature_store: FeatureStore, view: View, batch: list[FeatureRow]) -> int:
        store.push(feature_store, view, batch)
        trail.extend(self._redis, view, batch)
        return len(batch)

    def _refuse(self, message: Message, error: Rejected) -> None:
        letter = DeadLetter.of(
            topic=message.topic() or FEATURES.name,
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            reason=error.reason,
            detail=error.detail,
            stage=GROUP,
            key=message.key(),
            value=message.value(),
        )
        self._producer.produce(
            DEAD_LETTERS.name, key=letter.message_key, value=letter.model_dump_json()
        )

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = postgres.connect_analytics(autocommit=True, connect_timeout=5)
        return self._connection

    def _guard(self) -> _Guard:
        return _Guard(self)

    def forget(self) -> None:
        """Drop what a failure may have broken; the next batch opens and checks it again."""
        self._check_at = 0.0
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Guard:
    """Turns a missing server into ``Retryable`` and makes the pusher reconnect."""

    def __init__(self, pusher: Pusher) -> None:
        self._pusher = pusher

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        away = (psycopg.OperationalError, psycopg.InterfaceError, redis.exceptions.RedisError)
        if isinstance(error, (*away, Retryable)):
            self._pusher.forget()
            if not isinstance(error, Retryable):
                raise Retryable(f"a server of the feature store is away: {error}") from error


def run(stop: threading.Event, *, group: str = GROUP) -> int:
    """Push until ``stop`` is set; returns the number of rows pushed."""
    pusher = Pusher(kafka.producer(**{"log_level": 2}))  # the consumer logs a lost broker
    consumer = kafka.consumer(
        group,
        **{
            # A server may be away for longer than Kafka's default patience between two polls.
            "max.poll.interval.ms": 3_600_000,
            # After a kill no features are pushed until the partitions are free again.
            "session.timeout.ms": 6_000,
        },
    )
    consumer.subscribe([FEATURES.name, USERS.name])
    course_push.start(stop)
    pushed, reported, report_at = 0, 0, 0.0
    try:
        _persist(stop, lambda: pusher.write(()))  # filled before the first row
        while not stop.is_set():
            if pushed > reported and time.monotonic() >= report_at:
                log.info("%d rows pushed so far", pushed)
                reported, report_at = pushed, time.monotonic() + REPORT_S
            messages = _gather(consumer)
            count = _persist(stop, partial(pusher.write, messages))
            if count is None:
                break
            pushed += count
            if pusher.behind:
                pusher.behind = not _rewind(consumer)
            elif messages:
                _commit(consumer)
    finally:
        consumer.close()
    return pushed


def _of_people(message: bytes | None) -> list[Envelope]:
    """The event, if it is about consent; the archive reports malformed ones."""
    if not message or not any(type_.encode() in message for type_ in consent.EVENTS):
        return []
    try:
        return [decode(USERS.name, message)]
    except Rejected:
        return []


def _gather(consumer: Consumer) -> list[Message]:
    first = consumer.poll(1.0)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH - 1, timeout=GATHER_S)]
    for message in messages:
        if error := message.error():
            log.warning("Kafka: %s", error)
    return [message for message in messages if message.error() is None]


def _persist(stop: threading.Event, step: Callable[[], int]) -> int | None:
    """Call ``step`` until it succeeds, backing off; None where ``stop`` came first."""
    wait_s = 0.2
    while not stop.is_set():
        try:
            return step()
        except Retryable as error:
            log.warning("%s; trying again in %.1f s", error, wait_s)
            stop.wait(wait_s)
            wait_s = min(wait_s * 2, MAX_BACKOFF_S)
    return None


def _rewind(consumer: Consumer) -> bool:
    """Read the last minutes again: repeating changes nothing. False where that is not possible
    yet."""
    mine = [place for place in consumer.assignment() if place.topic == FEATURES.name]
    since = int((time.time() - REWIND_S) * 1000)
    try:
        here = {place.partition: place.offset for place in consumer.committed(mine, timeout=10)}
        for place in consumer.position(mine):
            if place.offset >= 0:
                here[place.partition] = place.offset
        then = [TopicPartition(FEATURES.name, place.partition, since) for place in mine]
        for place in consumer.offsets_for_times(then, timeout=10) if then else ():
            if 0 <= place.offset < here[place.partition]:  # never over what is still to be read
                consumer.seek(place)
    except KafkaException as error:
        log.warning("not read again yet: %s", error)
        return False
    return bool(mine)


def _commit(consumer: Consumer) -> None:
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        # The partitions moved to another process, which repeats these rows: harmless.
        log.warning("offsets not committed: %s", error)


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    pushed = run(stop)
    log.info("stopped after %d rows", pushed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
