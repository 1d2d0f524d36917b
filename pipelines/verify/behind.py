"""What is still on its way through the pipeline, by queries that cost little.

A comparison reads everything that was ever sent. While rows are still coming it finds a difference,
and takes the processors from those that make the rows: so it waits first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import psycopg
from confluent_kafka import KafkaException, TopicPartition

from contracts.errors import Retryable
from contracts.topics import EVENT_TOPICS, FEATURES, LIVE
from pipelines.derive.job import queues
from stack import kafka, postgres

Progress = Callable[[str], None]

STILL_S = 20.0
"""Unequal and unchanged for so long: nothing more is expected to come."""
_WAIT_S = 5.0
QUEUES = ("archive_batches", "archive_duplicates", *queues())
"""Tables of the analytical database that are empty when nothing is left to do."""
WAITING_ROWS = " UNION ALL ".join(
    # A batch of no events is a heartbeat: there is always one more.
    f"SELECT '{table}' AS queue, count(*) AS waiting FROM {table}"
    + (" WHERE events > 0" if table == "archive_batches" else "")
    for table in QUEUES
)
"""The query for the rows that wait in each of ``QUEUES``."""
_COUNTED = """
SELECT coalesce((SELECT content_events FROM derive_position), 0)
     - coalesce((SELECT sum(events) FROM course_activity_day), 0)::bigint
"""
"""Content events that are derived and that Flink has not counted; the archive has each once."""


def behind() -> str | None:
    """The first thing that waits, in words; None where nothing is known to.

    Raises ``Retryable`` where a component does not answer.
    """
    try:
        return next(_waits(), None)
    except (psycopg.OperationalError, KafkaException) as error:
        raise Retryable(f"cannot find out what is on its way: {error}") from error


def wait_until_idle(wait_s: float, say: Progress = lambda what: None) -> str | None:
    """Wait until nothing is known to be on its way; returns what still is after ``wait_s``.

    Gives up earlier where nothing has changed for ``STILL_S``. Raises ``Retryable`` where a
    component does not answer.
    """
    started = changed_at = time.monotonic()
    last = None
    while waiting := behind():
        say(f"waiting: {waiting}")
        now = time.monotonic()
        if waiting != last:
            last, changed_at = waiting, now
        if now - started >= wait_s or now - changed_at > STILL_S:
            return waiting
        time.sleep(0.5)
    return None


def _waits() -> Iterator[str]:
    with postgres.connect_analytics(connect_timeout=5) as connection:
        rows = connection.execute("SELECT topic, partition, next_offset FROM archive_offsets")
        archived = {(topic, number): offset for topic, number, offset in rows}
        if lag := _unread([topic.name for topic in EVENT_TOPICS], archived):
            yield f"about {lag:,} messages are not archived yet"
        for table, rows in connection.execute(WAITING_ROWS.encode()).fetchall():
            if rows:
                yield f"{rows:,} rows wait in {table}"
        counted = connection.execute(_COUNTED.encode()).fetchone()
        if counted and counted[0]:
            yield f"Flink's sums differ from the derived ones by {counted[0]:,} events"
    if lag := _unread([FEATURES.name], _reached("feature-push", FEATURES.name)):
        yield f"about {lag:,} feature rows are not in the feature store yet"
    if lag := _unread([LIVE.name], _reached("live", LIVE.name)):
        yield f"about {lag:,} sums are not in the live counters yet"


def _unread(topics: Sequence[str], reached: Mapping[tuple[str, int], int]) -> int:
    """How many offsets lie beyond what a reader has reached; 0 where none of them is a message."""
    beyond: dict[kafka.Place, int] = {}
    lag = 0
    with closing(kafka.consumer("verify-behind")) as consumer:
        for place in kafka.places(*topics):
            low, high = consumer.get_watermark_offsets(TopicPartition(*place), timeout=_WAIT_S)
            start = max(low, reached.get(place, 0))
            if high > start:
                beyond[place] = start
                lag += high - start
    # The end of a transaction has an offset too, and is no message: only reading shows which.
    return lag if any(kafka.remaining(beyond, most=1)) else 0


def _reached(group: str, topic: str) -> dict[tuple[str, int], int]:
    with closing(kafka.consumer(group)) as reader:
        places = [TopicPartition(*place) for place in kafka.places(topic, client=reader)]
        return {
            (place.topic, place.partition): place.offset
            for place in reader.committed(places, timeout=_WAIT_S)
        }
