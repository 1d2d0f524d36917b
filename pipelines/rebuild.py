"""Counts the archive into the tables of Flink jobs: their SQL in batch mode, then a swap.

Streaming jobs run on while most events are counted. Then they stop, the rest is counted, and one
transaction replaces the old rows by the new ones and records up to which offsets they count: from
there the job counts without state. Readers see either the old rows or the new ones, which lack
nothing that the old ones had. Whoever is killed on the way leaves nothing that a repeat minds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import TopicPartition
from psycopg import Connection, sql

from contracts import flink
from contracts.errors import Retryable
from contracts.topics import Topic
from pipelines import application, archived, cluster, start
from pipelines.archived import Span
from pipelines.job import Job, Upsert
from pipelines.retention import archive_begins_at
from stack import kafka, postgres

NAME = "rebuild"
SHADOW = "stream_shadow"
_CUT = """
SELECT greatest((SELECT max(batch_no) FROM archive_batches),
                (SELECT max(batch_no) FROM archive_marks),
                (SELECT done_batch_no FROM derive_position), 0),
       (SELECT coalesce(jsonb_object_agg(topic, places), '{}')
        FROM (SELECT topic, jsonb_object_agg(partition, next_offset) AS places
              FROM archive_offsets WHERE topic = ANY(%s) GROUP BY topic) AS of_topic)
"""


@dataclass(frozen=True, slots=True)
class Recount:
    """What is to be counted: ``connection`` holds ``record.exclusive``."""

    connection: Connection[Any]
    jobs: Sequence[Job]
    since: datetime | None = None
    timeout_s: float = 3600.0

    @property
    def topics(self) -> list[Topic]:
        return list({topic.name: topic for job in self.jobs for topic in job.reads}.values())


def count(
    asked: Recount,
    stop: Callable[[], None] = lambda: None,
    swapped: Callable[[Connection[Any]], None] = lambda connection: None,
) -> None:
    """Count the jobs' rows from the archive, and record where they go on.

    ``stop`` is called once, when most is counted: the jobs may run until then. ``swapped`` is
    called in the transaction that swaps. Rows of what the archive no longer has stay.
    Raises ``Retryable`` where the archive does not catch up or Flink fails; then the rows are as
    they were.
    """
    _end_leftovers()
    begins_at = archive_begins_at(asked.connection)
    since = max(filter(None, (asked.since, begins_at)), default=None)
    _wait_for_archive(asked.topics, asked.timeout_s)
    upto, _ = cut(asked.connection, asked.topics)
    _make_shadows(asked, Span(-1, upto, 0, since))
    _count(asked)
    stop()
    _wait_for_archive(asked.topics, asked.timeout_s)
    end, offsets = cut(asked.connection, asked.topics)
    if end > upto:
        with asked.connection.transaction():
            _declare(asked, Span(upto, end, -1, since))
        _count(asked)
    with asked.connection.transaction():
        _swap(asked, since, offsets)
        swapped(asked.connection)


def cut(connection: Connection[Any], topics: Iterable[Topic]) -> tuple[int, start.Offsets]:
    """The archive's last batch, and the offsets up to which it reaches: both of one moment."""
    row = connection.execute(_CUT, [[topic.name for topic in topics]]).fetchone()
    assert row is not None
    return row[0], row[1]


def definitions(jobs: Sequence[Job], topics: Iterable[Topic]) -> list[str]:
    """The archive's views, the jobs' views over them, and shadows of the tables."""
    found = []
    for topic in topics:
        name = archived.view_name(topic)
        options = {
            "connector": "jdbc",
            **postgres.PostgresSettings().analytics_jdbc(),
            "table-name": f"{SHADOW}.{name}",
            "scan.fetch-size": "10000",
            # Else the driver reads all rows before it gives the first one.
            "scan.auto-commit": "false",
        }
        columns = [f"`{column}` {type_}" for column, type_ in archived.columns(topic).items()]
        found += [flink.table(name, columns, options), *flink.view(topic, "`part`", name)]
    for sink in _tables(jobs):
        table = f"'table-name' = '{sink.table}'"
        found.append(sink.ddl().replace(table, f"'table-name' = '{SHADOW}.{sink.table}'"))
    return found


def _tables(jobs: Iterable[Job]) -> list[Upsert]:
    return [sink for job in jobs for sink in job.writes]


def _count(asked: Recount) -> None:
    """Flink counts what the views of the archive now have."""
    inserts = [statement for job in asked.jobs for statement in job.statements()]
    built = application.build(definitions(asked.jobs, asked.topics), inserts, NAME, batch=True)
    _wait_for_end(application.start(built), asked.timeout_s)


def _end_leftovers() -> None:
    """What somebody who was killed had begun to count."""
    while left := cluster.running(NAME):
        cluster.cancel(left.job_id)


def _declare(asked: Recount, span: Span) -> None:
    for topic in asked.topics:
        asked.connection.execute(archived.view(topic, SHADOW, span))


def _make_shadows(asked: Recount, span: Span) -> None:
    connection, shadow = asked.connection, sql.Identifier(SHADOW)
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(shadow))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(shadow))
        for sink in _tables(asked.jobs):
            connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                    sql.Identifier(SHADOW, sink.table), sql.Identifier("public", sink.table)
                )
            )
        _declare(asked, span)
        flink_role = sql.Identifier(postgres.PostgresSettings().jdbc_user)
        for right in (
            "USAGE ON SCHEMA {shadow}",
            "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {shadow}",
        ):
            connection.execute(
                sql.SQL("GRANT " + right + " TO {flink}").format(shadow=shadow, flink=flink_role)
            )


def _swap(asked: Recount, since: datetime | None, offsets: start.Offsets) -> None:
    """Rows and starts; the caller has begun a transaction."""
    connection = asked.connection
    for sink in _tables(asked.jobs):
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in sink.columns)
        public, shadow = sql.Identifier("public", sink.table), sql.Identifier(SHADOW, sink.table)
        only: sql.Composable = sql.SQL("")
        if since and sink.to.time:
            only = sql.SQL(" WHERE {} >= {}").format(
                sql.Identifier(sink.to.time), sql.Literal(since)
            )
        connection.execute(sql.SQL("DELETE FROM {}{}").format(public, only))
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
                public, columns, columns, shadow, only
            )
        )
    for job in asked.jobs:
        own = {topic.name: offsets.get(topic.name, {}) for topic in job.reads}
        start.record(connection, job.name, own, application.digests(job))
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SHADOW)))


def _wait_for_archive(topics: Sequence[Topic], timeout_s: float) -> None:
    """Return once the archive has every event of these topics that is in Kafka now."""
    deadline = time.monotonic() + timeout_s
    with closing(kafka.consumer("rebuild")) as consumer:
        ends = {
            place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1]
            for place in kafka.places(*(topic.name for topic in topics))
        }
    while (behind := _unarchived(ends)) is not None:
        if time.monotonic() > deadline:
            raise Retryable(f"the archive is behind in {behind[0]}/{behind[1]}: is it running?")
        time.sleep(0.2)


def _unarchived(ends: Mapping[kafka.Place, int]) -> kafka.Place | None:
    """A partition with an event before its end that the archive has not got, if there is one."""
    with postgres.connect_analytics() as connection:
        reached: dict[kafka.Place, int] = {
            (topic, partition): next_offset
            for topic, partition, next_offset in connection.execute(
                "SELECT topic, partition, next_offset FROM archive_offsets WHERE topic = ANY(%s)",
                [list({topic for topic, _ in ends})],
            )
        }
    starts = {place: reached.get(place, 0) for place, end in ends.items()}
    # Markers of transactions count as offsets and are no messages: only reading shows which.
    unread = {place: start for place, start in starts.items() if start < ends[place]}
    for [message] in kafka.remaining(unread, most=1):
        place = message.topic() or "", message.partition() or 0
        if (message.offset() or 0) < ends[place]:
            return place
    return None


def _wait_for_end(job_id: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while (state := cluster.state(job_id)) != "FINISHED":
        if state in cluster.ENDED:
            raise Retryable(f"the rebuild is {state}: {cluster.failure(job_id)}")
        if time.monotonic() > deadline:
            cluster.cancel(job_id)
            raise Retryable(f"the rebuild has not ended within {timeout_s:.0f} s")
        time.sleep(0.2)
