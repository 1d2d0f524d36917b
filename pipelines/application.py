"""The jobs as one Flink application: one statement set, so that a topic is read and parsed once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contracts import flink
from contracts.errors import Misconfigured
from pipelines.job import Job, kafka_options
from stack.flink import FlinkSettings

if TYPE_CHECKING:
    from pyflink.table import StatementSet

NAME = "learnstream"
"""The application's name in Flink."""


def definitions(jobs: Sequence[Job]) -> list[str]:
    """The tables and views the jobs stand on, each once."""
    topics = {topic.name: topic for job in jobs for topic in job.reads}
    options = {
        **kafka_options(),
        "properties.group.id": "flink",
        # Where it stands is in the checkpoints; without one it begins at the beginning, and the
        # upserts make the totals right again.
        "scan.startup.mode": "earliest-offset",
    }
    found = []
    for topic in topics.values():
        found += [flink.source(topic, options), *flink.repeats(topic, options), flink.view(topic)]
    return found + [sink.ddl() for job in jobs for sink in job.writes]


def statements(jobs: Sequence[Job]) -> list[str]:
    return [statement for job in jobs for statement in job.statements()]


def fingerprint(jobs: Sequence[Job]) -> str:
    """Changes when the state of the jobs' plan may no longer fit: other SQL, other Flink."""
    topics = {topic.name: topic for job in jobs for topic in job.reads}
    parts = [importlib.metadata.version("apache-flink")]
    parts += [
        "".join([flink.source(topic, {}), *flink.repeats(topic, {}), flink.view(topic)])
        for topic in topics.values()
    ]
    return hashlib.sha256("\n".join(parts + statements(jobs)).encode()).hexdigest()


def explain(jobs: Sequence[Job]) -> str:
    return str(build(definitions(jobs), statements(jobs)).explain())


def submit(jobs: Sequence[Job], restore_from: str | None) -> str:
    """Start the application on the cluster; returns Flink's job id."""
    return start(build(definitions(jobs), statements(jobs), restore_from))


def start(built: StatementSet) -> str:
    """Give it to the cluster; returns Flink's job id."""
    client = built.execute().get_job_client()
    if client is None:
        raise Misconfigured("the application was not given to a cluster: execution.target is local")
    return str(client.get_job_id())


def build(
    definitions: Sequence[str],
    statements: Sequence[str],
    restore_from: str | None = None,
    name: str = NAME,
    batch: bool = False,
) -> StatementSet:
    """One statement set over the definitions, as the cluster will run it under ``name``."""
    # Log lines of the client JVM would land between ours.
    with contextlib.redirect_stderr(None):
        from pyflink.common import Configuration
        from pyflink.table import EnvironmentSettings, TableEnvironment

    configuration = Configuration()
    for option, value in _configuration(name, restore_from).items():
        configuration.set_string(option, str(value))
    settings = EnvironmentSettings.new_instance().with_configuration(configuration)
    environment = TableEnvironment.create(
        (settings.in_batch_mode() if batch else settings.in_streaming_mode()).build()
    )
    for definition in definitions:
        environment.execute_sql(definition)
    together = environment.create_statement_set()
    for statement in statements:
        together.add_insert_sql(statement)
    return together


def _configuration(name: str, restore_from: str | None) -> dict[str, Any]:
    settings = FlinkSettings()
    jars = sorted(settings.jars.glob("*.jar"))
    if not jars:
        raise Misconfigured(
            f"no connector jars in {settings.jars}: ./learnstream up brings them, or set "
            "LMS_FLINK_JARS to a folder that has them",
            setting="LMS_FLINK_JARS",
        )
    found: dict[str, Any] = {
        "pipeline.name": name,
        "pipeline.jars": ";".join(jar.resolve().as_uri() for jar in jars),
        "execution.target": "remote",
        "execution.attached": "false",
        "rest.address": settings.rest_host,
        "rest.port": settings.rest_port,
        "parallelism.default": settings.parallelism,
        "execution.checkpointing.interval": f"{int(settings.checkpoint_interval_s * 1000)} ms",
        "execution.checkpointing.min-pause": "1 s",
        "execution.checkpointing.tolerable-failed-checkpoints": 100,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.dir": settings.checkpoint_dir,
        "table.local-time-zone": "UTC",
        "pipeline.object-reuse": "true",
        # Gather rows for a moment before a group's state is touched and its row is written.
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": f"{settings.mini_batch_latency_ms} ms",
        "table.exec.mini-batch.size": "20000",
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
        # The view of valid events is computed once for all statements.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        # Every sink's key is its query's group key: nothing to reorder, no second state.
        "table.exec.sink.upsert-materialize": "NONE",
        "table.exec.sink.require-on-conflict": "false",
    }
    if restore_from:
        found["execution.state-recovery.path"] = restore_from
        # Flink deletes it once newer checkpoints have taken its place.
        found["execution.state-recovery.claim-mode"] = "CLAIM"
    os.environ.setdefault("TZ", "UTC")
    return found
