"""Rebuilds the tables of the Flink jobs: their SQL in batch mode over the archive, then a swap.

The streaming jobs run on while most events are counted. Then they stop, the rest is counted, and
one transaction replaces the old rows by the new ones and records up to which offsets they count:
there the jobs restart without state. Readers see either the old rows or the new ones, which lack
nothing that the old ones had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime

from confluent_kafka import TopicPartition
from psycopg import sql

from contracts.errors import Rejected, Retryable
from contracts.topics import CONTENT
from pipelines import application, cluster, operation, schema, start
from pipelines.job import Job, Upsert, catalogue
from pipelines.retention import archive_begins_at
from stack import kafka, postgres
from stack.kafka import create_topics

NAME = "rebuild"
SHADOW = "stream_shadow"
_COLUMNS = {
    **dict.fromkeys(("event_id", "event_type", "timestamp", "source_service"), "STRING"),
    "schema_version": "BIGINT",
    **dict.fromkeys(("institution", "user_id", "course_id", "item_id", "kind"), "STRING"),
    "clicks": "BIGINT",
    "weight": "BIGINT",
    "batch_no": "BIGINT",
}
_CUT = """
SELECT greatest((SELECT max(batch_no) FROM archive_batches),
                (SELECT done_batch_no FROM derive_position), 0),
       (SELECT coalesce(jsonb_object_agg(partition, next_offset), '{}') FROM archive_offsets
        WHERE topic = %s)
"""


def rebuild(jobs: Sequence[Job], since: datetime | None = None, timeout_s: float = 3600) -> None:
    """Rebuild the rows, with ``since`` those of buckets from that moment on.

    The jobs read their topic together and restart together: whichever is named, all wanted ones
    are rebuilt. Rows of what the archive no longer has stay. Raises ``Rejected`` for a job
    that reads more than content, and ``Retryable`` where the archive does not catch up or Flink
    fails; then the rows are as they were.
    """
    with operation.exclusive():
        wanted = {job.name for job in operation.read().jobs()} | {job.name for job in jobs}
        ran = False

        def stop() -> None:
            nonlocal ran
            ran = operation.stop()

        try:
            count_again([job for job in catalogue().values() if job.name in wanted], since, stop)
        finally:
            if ran:
                operation.resume()


def count_again(
    jobs: Sequence[Job],
    since: datetime | None = None,
    stop: Callable[[], None] = lambda: None,
    timeout_s: float = 3600,
) -> None:
    """Rebuild the rows of these jobs from the archive, and record where they restart.

    ``stop`` is called once, when most is counted: the jobs may run until then. The caller holds
    ``operation.exclusive``.
    Raises as ``rebuild``.
    """
    for job in jobs:
        if job.reads != (CONTENT,):
            raise Rejected(f"{job.name} reads more than {CONTENT.name}: it cannot be rebuilt")
    create_topics()
    schema.prepare()
    with postgres.connect_analytics() as connection:
        begins_at = archive_begins_at(connection)
    since = max(filter(None, (since, begins_at)), default=None)
    tables = [sink for job in jobs for sink in job.writes]
    _wait_for_archive(timeout_s)
    _make_shadows(tables)
    upto, _ = _cut()
    _count(jobs, since, (-1, upto), 0, timeout_s)
    stop()
    _wait_for_archive(timeout_s)
    end, offsets = _cut()
    if end > upto:
        _count(jobs, since, (upto, end), -1, timeout_s)
    _swap(tables, since, offsets)


def _cut() -> tuple[int, dict[str, int]]:
    """The archive's last batch, and the offsets up to which it reaches: both of one moment."""
    with postgres.connect_analytics() as connection:
        row = connection.execute(_CUT, [CONTENT.name]).fetchone()
    assert row is not None
    return row[0], row[1]


def _count(
    jobs: Sequence[Job],
    since: datetime | None,
    batches: tuple[int, int],
    part: int,
    timeout_s: float,
) -> None:
    """Flink counts what was archived after the first of ``batches``, up to the second."""
    built = application.build(
        _definitions(jobs, since, batches, part),
        application.statements(jobs),
        name=NAME,
        batch=True,
    )
    _wait_for_end(application.start(built), timeout_s)


def _definitions(
    jobs: Sequence[Job], since: datetime | None, batches: tuple[int, int], part: int
) -> list[str]:
    jdbc = postgres.PostgresSettings().analytics_jdbc()
    columns = ", ".join(f"`{name}` {type_}" for name, type_ in _COLUMNS.items())
    options = {
        "connector": "jdbc",
        **jdbc,
        "table-name": "archived_content_events",
        "scan.fetch-size": "10000",
    }
    settings = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
    # Texts of UTC moments sort as the moments do.
    only = f" AND `timestamp` >= '{since:%Y-%m-%dT%H:%M:%S}'" if since else ""
    found = [
        f"CREATE TEMPORARY TABLE archived ({columns}) WITH ({settings})",
        "CREATE TEMPORARY VIEW content_events AS "
        f"SELECT *, institution AS institution_id, CAST({part} AS BIGINT) AS part FROM archived "
        f"WHERE batch_no > {batches[0]} AND batch_no <= {batches[1]}{only}",
    ]
    for job in jobs:
        for sink in job.writes:
            table = f"'table-name' = '{sink.table}'"
            found.append(sink.ddl().replace(table, f"'table-name' = '{SHADOW}.{sink.table}'"))
    return found


def _make_shadows(tables: Sequence[Upsert]) -> None:
    with postgres.connect_analytics() as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE".encode())
        connection.execute(f"CREATE SCHEMA {SHADOW}".encode())
        for sink in tables:
            connection.execute(
                f"CREATE TABLE {SHADOW}.{sink.table} "
                f"(LIKE public.{sink.table} INCLUDING ALL)".encode()
            )
        flink = sql.Identifier(postgres.PostgresSettings().jdbc_user)
        for right in (
            "USAGE ON SCHEMA {shadow}",
            "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {shadow}",
        ):
            connection.execute(
                sql.SQL("GRANT " + right + " TO {flink}").format(
                    shadow=sql.Identifier(SHADOW), flink=flink
                )
            )


def _swap(tables: Sequence[Upsert], since: datetime | None, offsets: dict[str, int]) -> None:
    part: sql.Composable = sql.SQL("")
    if since:
        part = sql.SQL(" WHERE bucket_at >= {}").format(sql.Literal(since))
    with postgres.connect_analytics() as connection:
        for sink in tables:
            columns = sql.SQL(", ").join(sql.Identifier(name) for name in sink.columns)
            public, shadow = (
                sql.Identifier("public", sink.table),
                sql.Identifier(SHADOW, sink.table),
            )
            connection.execute(sql.SQL("DELETE FROM {}{}").format(public, part))
            connection.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
                    public, columns, columns, shadow, part
                )
            )
        start.record(connection, {CONTENT.name: offsets})
        connection.execute(f"DROP SCHEMA {SHADOW} CASCADE".encode())


def _wait_for_archive(timeout_s: float) -> None:
    """Return once the archive has every content event that is in Kafka now."""
    deadline = time.monotonic() + timeout_s
    with closing(kafka.consumer("rebuild")) as consumer:
        ends = {
            place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1]
            for place in kafka.places(CONTENT.name)
        }
    while (behind := _unarchived(ends)) is not None:
        if time.monotonic() > deadline:
            raise Retryable(f"the archive is behind in {CONTENT.name}/{behind}: is it running?")
        time.sleep(0.2)


def _unarchived(ends: Mapping[kafka.Place, int]) -> int | None:
    """A partition with an event before its end that the archive has not got, if there is one."""
    with postgres.connect_analytics() as connection:
        reached: dict[kafka.Place, int] = {
            (topic, partition): next_offset
            for topic, partition, next_offset in connection.execute(
                "SELECT topic, partition, next_offset FROM archive_offsets WHERE topic = %s",
                [CONTENT.name],
            )
        }
    starts = {place: reached.get(place, 0) for place, end in ends.items()}
    # Markers of transactions count as offsets and are no messages: only reading shows which.
    unread = {place: start for place, start in starts.items() if start < ends[place]}
    for [message] in kafka.remaining(unread, most=1):
        place = message.topic() or "", message.partition() or 0
        if (message.offset() or 0) < ends[place]:
            return place[1]
    return None


def _wait_for_end(job_id: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while (state := cluster.state(job_id)) != "FINISHED":
        if state in cluster.ENDED:
            raise Retryable(f"the rebuild is {state}: {cluster.failure(job_id)}")
        if time.monotonic() > deadline:
            cluster.cancel(job_id)
            raise Retryable(f"the rebuild has not ended within {timeout_s:.0f} s")
        time.sleep(0.5)
