"""The process: ``lms.live`` and the learners' tiles of ``lms.features`` → Redis.

It has no position of its own to lose: whenever it begins, and where Redis came back empty, it
writes the last hour from the database and reads the messages of the last minutes again, for rows
there are written a moment later than they are published. Repeating changes nothing. Two at once do
no harm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from threading import Event
from typing import Any

import psycopg
import pydantic_core
import redis
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from contracts.errors import Retryable
from contracts.tiles import LEARNER_TILES
from contracts.topics import FEATURES, LIVE
from pipelines.live.counters import LiveCounters, Presence, Sum
from stack import kafka, postgres
from stack import redis as stack_redis

log = logging.getLogger("pipelines.live")

GROUP = "live"
"""Its positions say how far behind it is; nothing begins from them."""
AGAIN_S = 120.0
"""The tables lag the messages by less, or Flink has failed and publishes again."""
_BATCH = 10_000
_GATHER_S = 0.02
"""How long a batch waits for more after its first message: freshness against throughput."""
_IDLE_S = 0.5
_WAIT_S = 10.0
_MAX_BACKOFF_S = 5.0
_OF_LEARNERS = f'"tiles":"{LEARNER_TILES.name}"'.encode()

_AWAY = (
    redis.RedisError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not prepared yet
    KafkaException,
    Retryable,
)


def run(stop: Event) -> None:
    """Keep the counters until ``stop`` is set; waits for servers that do not answer."""
    backoff_s = 0.1
    while not stop.is_set():
        started = time.monotonic()
        client = stack_redis.client(socket_timeout=2.0, socket_connect_timeout=1.0)
        try:
            with closing(client), closing(kafka.consumer(GROUP)) as consumer:
                _keep(stop, LiveCounters(client), consumer)
        except _AWAY as error:
            if time.monotonic() - started > 30:
                backoff_s = 0.1
            log.warning("starting over in %.1f s: %s", backoff_s, error)
            stop.wait(backoff_s)
            backoff_s = min(_MAX_BACKOFF_S, backoff_s * 2)


def _keep(stop: Event, counters: LiveCounters, consumer: Consumer) -> None:
    _begin(counters, consumer)
    while not stop.is_set():
        messages = _gather(consumer)
        if not counters.kept() or not counters.write(*decoded(messages)):
            _begin(counters, consumer)
        elif messages:
            consumer.commit(asynchronous=True)


def _begin(counters: LiveCounters, consumer: Consumer) -> None:
    starts = _starts(consumer)  # what is published during the rest is read
    with postgres.connect_analytics(autocommit=True, connect_timeout=5) as connection:
        rows = counters.fill(connection)
    consumer.assign(starts)
    consumer.commit(offsets=starts, asynchronous=False)
    counters.filled()
    log.info("the last hour is there: %d rows", rows)


def _starts(consumer: Consumer) -> list[TopicPartition]:
    """Of each partition the first message of the last minutes, or its end."""
    since_ms = int((time.time() - AGAIN_S) * 1000)
    places = [
        TopicPartition(*place, since_ms)
        for place in kafka.places(LIVE.name, FEATURES.name, client=consumer)
    ]
    ends = {
        (place.topic, place.partition): consumer.get_watermark_offsets(place, timeout=_WAIT_S)[1]
        for place in places
    }
    found = consumer.offsets_for_times(places, timeout=_WAIT_S)
    return [
        TopicPartition(one.topic, one.partition, ends[one.topic, one.partition])
        if one.offset < 0
        else one
        for one in found
    ]


def _gather(consumer: Consumer) -> list[Message]:
    first = consumer.poll(_IDLE_S)
    if first is None:
        return []
    messages = [first, *consumer.consume(_BATCH - 1, timeout=_GATHER_S)]
    for message in messages:
        if error := message.error():
            log.warning("Kafka: %s", error)
    return [message for message in messages if message.error() is None]


def decoded(messages: Iterable[Message]) -> tuple[list[Sum], list[Presence]]:
    """What the messages say of minutes and of learners."""
    sums: list[Sum] = []
    present: list[Presence] = []
    for message in messages:
        value = message.value()
        if value is None or (message.topic() == FEATURES.name and _OF_LEARNERS not in value):
            continue
        try:
            body = pydantic_core.from_json(value)
            if message.topic() == LIVE.name:
                sums.append(_sum(body))
            elif body["last_at"] is not None:
                present.append(_presence(body, message.timestamp()[1]))
        except (KeyError, TypeError, ValueError) as error:
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            log.warning("%s cannot be read: %s", place, error)
    return sums, present


def _sum(body: dict[str, Any]) -> Sum:
    return Sum(
        body["institution_id"],
        body["course_id"],
        datetime.fromisoformat(body["bucket_at"]),
        body["kind"],
        body["part"],
        body["events"],
    )


def _presence(body: dict[str, Any], published_ms: int) -> Presence:
    at = datetime.fromisoformat(body["last_at"])
    published_at = datetime.fromtimestamp(published_ms / 1000, UTC)
    return Presence(
        body["institution_id"], body["course_id"], body["user_id"], min(at, published_at)
    )
