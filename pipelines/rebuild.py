"""Makes the tables of a Flink job again: the same SQL in batch mode over the archive, then a swap.

The streaming jobs stop at a savepoint meanwhile and go on from it, so nothing writes old sums over
new ones. Readers see the old rows until they see the new ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from confluent_kafka import KafkaError, TopicPartition
from psycopg import sql

from contracts.errors import Rejected, Retryable
from contracts.topics import CONTENT
from pipelines import application, cluster, operation, schema
from pipelines.derive.rebuild import SHADOW
from pipelines.job import Job, Upsert
from stack import kafka, postgres

NAME = "rebuild"
_COLUMNS = {
    **dict.fromkeys(("event_id", "event_type", "timestamp", "source_service"), "STRING"),
    "schema_version": "BIGINT",
    **dict.fromkeys(("institution", "user_id", "course_id", "item_id", "kind"), "STRING"),
    "clicks": "BIGINT",
    "weight": "BIGINT",
}


def rebuild(jobs: Sequence[Job], since: datetime | None = None, timeout_s: float = 3600) -> None:
    """Make the jobs' rows again, with ``since`` those of buckets from that moment on.

    Rows of feature views are told again rather than swapped: the later row counts.
    Raises ``Rejected`` for a job that reads more than content, and ``Retryable`` where the archive
    does not catch up or Flink fails.
    """
    for job in jobs:
        if job.reads != (CONTENT,):
            raise Rejected(f"{job.name} reads more than {CONTENT.name}: it cannot be rebuilt")
        if since and not all(isinstance(sink, Upsert) for sink in job.writes):
            raise Rejected(f"{job.name} sums over all time: rebuild it without --since")
    schema.prepare()
    wanted = operation.memory().wanted
    alive = cluster.running(application.NAME) is not None
    if alive:
        operation.cancel()
    try:
        _wait_for_archive(timeout_s)
        tables = [sink for job in jobs for sink in job.writes if isinstance(sink, Upsert)]
        _make_shadows(tables)
        job_id = application.start(
            application.build(
                _definitions(jobs, since), application.statements(jobs), name=NAME, batch=True
            )
        )
        _wait_for_end(job_id, timeout_s)
        _swap(tables, since)
    finally:
        if alive:
            operation.submit(wanted or ())


def _definitions(jobs: Sequence[Job], since: datetime | None) -> list[str]:
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
    only = f" WHERE `timestamp` >= '{since:%Y-%m-%dT%H:%M:%S}'" if since else ""
    found = [
        f"CREATE TEMPORARY TABLE archived ({columns}) WITH ({settings})",
        "CREATE TEMPORARY VIEW content_events AS "
        f"SELECT *, institution AS institution_id FROM archived{only}",
    ]
    for job in jobs:
        for sink in job.writes:
            text = sink.ddl()
            if isinstance(sink, Upsert):
                text = text.replace(
                    f"'table-name' = '{sink.table}'", f"'table-name' = '{SHADOW}.{sink.table}'"
                )
            found.append(text)
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


def _swap(tables: Sequence[Upsert], since: datetime | None) -> None:
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
        connection.execute(f"DROP SCHEMA {SHADOW} CASCADE".encode())


def _wait_for_archive(timeout_s: float) -> None:
    """Return once the archive has every content event there is."""
    deadline = time.monotonic() + timeout_s
    while (behind := _unarchived()) is not None:
        if time.monotonic() > deadline:
            raise Retryable(f"the archive is behind in {CONTENT.name}/{behind}: is it running?")
        time.sleep(0.5)


def _unarchived() -> int | None:
    """A partition with an event that the archive has not got; None where there is none."""
    with postgres.connect_analytics() as connection:
        reached = dict(
            connection.execute(
                "SELECT partition, next_offset FROM archive_offsets WHERE topic = %s",
                [CONTENT.name],
            ).fetchall()
        )
    with closing(kafka.consumer("rebuild", **{"enable.partition.eof": True})) as consumer:
        unread = set(consumer.list_topics(CONTENT.name, timeout=10).topics[CONTENT.name].partitions)
        consumer.assign([TopicPartition(CONTENT.name, n, reached.get(n, 0)) for n in unread])
        while unread:
            message = consumer.poll(30)
            if message is None:
                raise Retryable("Kafka does not answer (LMS_KAFKA_BOOTSTRAP_SERVERS)")
            error = message.error()
            if error is None:
                return message.partition()
            if error.code() != KafkaError._PARTITION_EOF:
                raise Retryable(f"Kafka cannot be read: {error.str()}")
            unread.discard(message.partition())
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
