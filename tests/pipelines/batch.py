"""Runs the jobs' SQL in a Flink of its own, in batch mode, from files to files or tables."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql

from contracts import flink
from contracts.topics import Topic
from pipelines import application
from pipelines.job import Job, Upsert, catalogue
from stack.postgres import connect_analytics

Message = tuple[str, bytes, datetime]
"""A topic, an event as it was sent, and when it came by Kafka's clock."""


def count(jobs: Sequence[Job], messages: Sequence[Message], folder: Path) -> dict[str, Path]:
    """The files (a JSON object per row) of every table of ``jobs``, made of the messages.

    What repeats an event is taken back, as the archive tells the jobs to.
    """
    definitions = []
    for topic in {topic.name: topic for job in jobs for topic in job.reads}.values():
        ours = [(json.loads(value), at) for name, value, at in messages if name == topic.name]
        definitions += [
            _source(topic, flink.table_name(topic), ours, folder),
            _source(topic, flink.repeats_name(topic), _repeats(ours), folder),
            application._checked(topic),
        ]
    sinks = [sink for job in jobs for sink in job.writes]
    definitions += [_sink(sink, folder) for sink in sinks]
    _run(definitions, application.statements(jobs))
    return {sink.table: folder / sink.table for sink in sinks}


def store(institution: str, folder: Path) -> None:
    """Count what the archive has of an institution into the tables of every job."""
    jobs = list(catalogue().values())
    with connect_analytics() as connection:
        archived = connection.execute(
            (Path(__file__).with_name("archived.sql")).read_bytes(), [institution]
        ).fetchall()
        at = datetime(2026, 1, 1, tzinfo=UTC)
        messages = [(topic, value.encode(), at) for topic, value in archived]
        for name, files in count(jobs, messages, folder).items():
            rows = [line for path in files.iterdir() for line in path.read_text().splitlines()]
            statement = (
                "INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s::jsonb)"
            )
            connection.execute(
                sql.SQL(statement).format(sql.Identifier(name)), [f"[{','.join(rows)}]"]
            )


Arrived = tuple[dict[str, object], datetime]


def _repeats(arrived: Iterable[Arrived]) -> Iterator[Arrived]:
    known = set()
    for event, at in arrived:
        key = event["event_id"], event["timestamp"]
        if key in known:
            yield event, at + timedelta(seconds=1)
        known.add(key)


def _source(topic: Topic, name: str, arrived: Iterable[Arrived], folder: Path) -> str:
    path = folder / "messages" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps(event | {"arrived_at": f"{at:%F %T}"}) for event, at in arrived]
    path.write_text("".join(f"{line}\n" for line in lines))
    columns = [one for one in flink._columns(topic) if "arrived_at" not in one]
    columns += ["`arrived_at` STRING", "`partition` INT", "`offset` BIGINT"]
    options = {"connector": "filesystem", "path": path.as_uri(), "format": "json"}
    return flink.table(name, columns, options)


def _sink(sink: Upsert, folder: Path) -> str:
    columns = [f"`{name}` {type_}" for name, type_ in sink.columns.items()]
    path = (folder / sink.table).as_uri()
    return flink.table(
        sink.table, columns, {"connector": "filesystem", "path": path, "format": "json"}
    )


def _run(definitions: Sequence[str], statements: Sequence[str]) -> None:
    with contextlib.redirect_stderr(None):
        from pyflink.common import Configuration
        from pyflink.java_gateway import get_gateway
        from pyflink.table import EnvironmentSettings, TableEnvironment

    get_gateway().gateway_property.enable_memory_management = False
    configuration = Configuration()
    for option, value in {
        "parallelism.default": "1",
        "table.local-time-zone": "UTC",
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        "taskmanager.memory.network.max": "256m",
        "taskmanager.memory.network.min": "256m",
    }.items():
        configuration.set_string(option, value)
    settings = EnvironmentSettings.new_instance().with_configuration(configuration)
    environment = TableEnvironment.create(settings.in_batch_mode().build())
    for definition in definitions:
        environment.execute_sql(definition)
    together = environment.create_statement_set()
    for statement in statements:
        if statement.startswith("INSERT"):
            together.add_insert_sql(statement)
        else:
            environment.execute_sql(statement)
    together.execute().wait()
