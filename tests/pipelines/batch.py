"""Runs the jobs' SQL in a Flink of its own, in batch mode, from files to files."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from contracts import flink
from contracts.envelope import Envelope
from contracts.topics import Topic
from pipelines import application
from pipelines.job import Job, Upsert

Arrived = tuple[Envelope, datetime]
"""An event and when its message came, by Kafka's clock."""


def count(jobs: Sequence[Job], arrived: Sequence[Arrived], folder: Path) -> dict[str, Path]:
    """The files (a JSON object per row) of every table of ``jobs``, made of the messages.

    What repeats an event is taken back, as the archive tells the jobs to.
    """
    topics = {topic.name: topic for job in jobs for topic in job.reads}
    definitions = []
    for topic in topics.values():
        ours = [one for one in arrived if one[0].topic == topic.name]
        definitions += [
            _source(topic, flink.table_name(topic), ours, folder),
            _source(topic, flink.repeats_name(topic), list(_repeats(ours)), folder),
            flink.view(topic, {"part": application._part(0)}),
        ]
    sinks = [sink for job in jobs for sink in job.writes]
    definitions += [_sink(sink, folder) for sink in sinks]
    _run(definitions, application.statements(jobs))
    return {sink.table: folder / sink.table for sink in sinks}


def _repeats(arrived: Iterable[Arrived]) -> Iterable[Arrived]:
    known = set()
    for event, at in arrived:
        key = event.event_id, event.timestamp, event.key
        if key in known:
            yield event, at + timedelta(seconds=1)
        known.add(key)


def _source(topic: Topic, name: str, arrived: Iterable[Arrived], folder: Path) -> str:
    path = folder / "messages" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "".join(
            json.dumps(json.loads(event.encode()) | {"arrived_at": f"{at:%Y-%m-%d %H:%M:%S}"}) + "\n"
            for event, at in arrived
        )
    )
    columns = [one for one in flink._columns(topic) if "arrived_at" not in one]
    options = {"connector": "filesystem", "path": path.as_uri(), "format": "json"}
    return flink.table(name, [*columns, "`arrived_at` STRING"], options)


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
        together.add_insert_sql(statement)
    together.execute().wait()
