"""What the jobs are measured against: Flink only reading, and a plain consumer of one aggregate."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition
from psycopg import Connection

from bench.replay import jobs
from contracts.errors import Retryable
from contracts.topics import CONTENT
from pipelines import application
from pipelines.job import catalogue
from stack import kafka
from stack.postgres import connect_analytics

_BATCH = 20_000
_TABLES = {"plain_minute": 16, "plain_hour": 13, "plain_day": 10}
"""Tables of the plain consumer, and how much of a timestamp's text is their bucket."""
_REST = {16: ":00Z", 13: ":00:00Z", 10: "T00:00:00Z"}

Key = tuple[str, str, str, str]
"""Bucket, institution, course, kind."""


def flink_reads() -> float:
    """Seconds in which Flink reads and parses the topic into nothing, with all its cores."""
    built = application.build(*_read_only(), name="bench-stream-read")
    started = time.monotonic()
    job_id = application.start(built)
    while not jobs.ended(job_id):
        if time.monotonic() - started > jobs.TIMEOUT_S:
            raise Retryable("the topic was not read in time")
        time.sleep(0.5)
    return time.monotonic() - started


def _read_only() -> tuple[list[str], list[str]]:
    definitions = jobs.bounded(application.definitions(list(catalogue().values())))
    source = next(text for text in definitions if "content_messages (" in text)
    sink = (
        "CREATE TEMPORARY TABLE nothing (a STRING, b STRING, c STRING, d STRING, e STRING) "
        "WITH ('connector' = 'blackhole')"
    )
    read = (
        "INSERT INTO nothing SELECT `timestamp`, institution_id, payload.user_id, "
        "payload.course_id, payload.clicks FROM content_messages"
    )
    return [source, sink], [read]


def python_counts(expected: int) -> float:
    """Seconds in which a plain consumer keeps ``course_activity`` alone: parse, add up, upsert.

    Events and clicks per course and kind for minute, hour and day, each batch with its offsets in
    one transaction; no validation, no archive, nothing per learner or item.
    """
    with connect_analytics() as connection:
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
            connection.execute(
                f"CREATE TABLE {table} (LIKE course_activity_day INCLUDING ALL)".encode()
            )
        connection.execute("DROP TABLE IF EXISTS plain_offsets")
        connection.execute(
            "CREATE TABLE plain_offsets (partition int PRIMARY KEY, next_offset bigint NOT NULL)"
        )
        connection.commit()
        consumer = kafka.consumer("bench-plain")
        try:
            partitions = consumer.list_topics(CONTENT.name, timeout=10).topics[CONTENT.name]
            consumer.assign([TopicPartition(CONTENT.name, n, 0) for n in partitions.partitions])
            took_s = _consume(consumer, connection, expected)
        finally:
            consumer.close()
        for table in _TABLES:
            counted = connection.execute(
                f"SELECT sum(events)::bigint FROM {table}".encode()
            ).fetchone()
            if counted != (expected,):
                raise Retryable(f"{table}: {counted} of {expected} counted")
    return took_s


def _consume(consumer: Consumer, connection: Connection[Any], expected: int) -> float:
    started, seen = time.monotonic(), 0
    while seen < expected:
        if time.monotonic() - started > jobs.TIMEOUT_S:
            raise Retryable(f"{seen} of {expected} messages came")
        messages = consumer.consume(_BATCH, timeout=0.2)
        sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
        for message in messages:
            event = orjson.loads(message.value() or b"")
            payload = event["payload"]
            of_minute = sums[
                event["timestamp"][:16],
                event["institution_id"],
                payload["course_id"],
                payload["kind"],
            ]
            of_minute[0] += 1
            of_minute[1] += payload["clicks"]
        reached = {message.partition(): (message.offset() or 0) + 1 for message in messages}
        for table, length in _TABLES.items():
            _upsert(connection, table, length, sums)
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO plain_offsets VALUES (%s, %s) "
                "ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset",
                list(reached.items()),
            )
        connection.commit()
        seen += len(messages)
    return time.monotonic() - started


def _upsert(
    connection: Connection[Any], table: str, length: int, sums: dict[Key, list[int]]
) -> None:
    """Add what each minute adds to its bucket."""
    added: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for (minute, *place), (events, clicks) in sums.items():
        total = added[minute[:length] + _REST[length], place[0], place[1], place[2]]
        total[0] += events
        total[1] += clicks
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} AS t VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (bucket_at, institution_id, course_id, kind, part) DO UPDATE SET "
            "events = t.events + EXCLUDED.events, clicks = t.clicks + EXCLUDED.clicks".encode(),
            [(*key, *total) for key, total in added.items()],
        )
