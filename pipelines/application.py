"""The jobs as one Flink application: one statement set, so that a topic is read and parsed once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contracts import flink
from contracts.errors import Misconfigured
from pipelines import plan, published
from pipelines.job import Job, kafka_options
from pipelines.start import Start
from stack import keystores
from stack.flink import FlinkSettings
from stack.profile import profile

if TYPE_CHECKING:
    from pyflink.table import StatementSet, TableEnvironment, TableResult

NAME = "learnstream"
"""The application's name in Flink."""


def definitions(jobs: Sequence[Job], start: Start | None = None) -> list[str]:
    """The tables and views that the jobs use, each once; ``start`` is where they count from."""
    begin = start or Start()
    part = {"part": _part(begin.generation)}
    found = []
    for topic in {topic.name: topic for job in jobs for topic in job.reads}.values():
        offsets = begin.offsets.get(topic.name)
        # Its position is in the checkpoints. Without one it begins where its partial sums begin:
        # the upserts make the sums right again.
        options = {
            **kafka_options(),
            "properties.group.id": "flink",
            "scan.startup.mode": "earliest-offset",
        }
        known = options | {
            "scan.startup.mode": "specific-offsets",
            "scan.startup.specific-offsets": ";".join(
                f"partition:{number},offset:{offset}" for number, offset in (offsets or {}).items()
            ),
        }
        found.append(flink.source(topic, known if offsets else options))
        found += [*flink.repeats(topic, options, offsets), flink.view(topic, part)]
    found += [sink.ddl() for job in jobs for sink in job.writes]
    return found + [sink for job in jobs for sink in published.sinks(job)]


def _part(generation: int) -> str:
    """The number of a message's partial sum: its arrival by Kafka's own clock, in whole spans.

    A partial sum changes for no longer than its span and the jobs' lag. So Flink may forget one
    that has not changed for longer.
    """
    return (
        f"CAST({generation * 10**9} AS BIGINT) + TIMESTAMPDIFF(SECOND, TIMESTAMP "
        "'2020-01-01 00:00:00', CAST(`arrived_at` AS TIMESTAMP(3))) "
        f"/ {FlinkSettings().part_s}"
    )


def statements(jobs: Sequence[Job]) -> list[str]:
    """What makes the jobs' tables."""
    return [statement for job in jobs for statement in job.statements()]


def streamed(jobs: Sequence[Job]) -> list[str]:
    """All that runs: the tables, and the tiles that are published too."""
    return statements(jobs) + [one for job in jobs for one in published.statements(job)]


def fingerprint(jobs: Sequence[Job], start: Start | None = None) -> str:
    """Changes with all that Flink runs but addresses; cheaper than compiling a plan."""
    begin = start or Start()
    topics = {topic.name: topic for job in jobs for topic in job.reads}
    texts = [importlib.metadata.version("apache-flink"), str(begin)]
    more = {"part": _part(begin.generation)}
    texts += [
        "".join([flink.source(topic, {}), *flink.repeats(topic, {}), flink.view(topic, more)])
        for topic in topics.values()
    ]
    return hashlib.sha256("\n".join(texts + streamed(jobs)).encode()).hexdigest()


def explain(jobs: Sequence[Job]) -> str:
    return str(build(definitions(jobs), streamed(jobs)).explain())


def compiled(jobs: Sequence[Job], start: Start) -> plan.Plan:
    """The jobs' plan; nothing runs yet."""
    built = build(definitions(jobs, start), streamed(jobs))
    made = {
        sink.table: hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()
        for job in jobs
        for sink, text in zip(job.writes, job.statements(), strict=True)
    }
    return plan.plan(built.compile_plan().as_json_string(), made, FlinkSettings().part_s)


def submit(jobs: Sequence[Job], start: Start, made: plan.Plan, restore_from: str | None) -> str:
    """Start the application by its plan on the cluster; returns Flink's job id."""
    path = profile().run / "plan.json"
    path.write_text(made.text)
    environment = _environment(definitions(jobs, start), NAME, restore_from)
    return _job_id(environment.execute_sql(f"EXECUTE PLAN '{path.as_uri()}'"))


def start(built: StatementSet) -> str:
    """Submit it to the cluster; returns Flink's job id."""
    return _job_id(built.execute())


def _job_id(result: TableResult) -> str:
    client = result.get_job_client()
    if client is None:
        raise Misconfigured("the application was not given to a cluster: execution.target is local")
    return str(client.get_job_id())


def build(
    definitions: Sequence[str], statements: Sequence[str], name: str = NAME, batch: bool = False
) -> StatementSet:
    """One statement set over the definitions, as the cluster will run it under ``name``."""
    together = _environment(definitions, name, None, batch).create_statement_set()
    for statement in statements:
        together.add_insert_sql(statement)
    return together


def _environment(
    definitions: Sequence[str], name: str, restore_from: str | None, batch: bool = False
) -> TableEnvironment:
    # Log lines of the client JVM would land between ours.
    with contextlib.redirect_stderr(None):
        from pyflink.common import Configuration
        from pyflink.java_gateway import get_gateway
        from pyflink.table import EnvironmentSettings, TableEnvironment

    # The planner works only in the thread of Java in which its environment was made (FLINK-36298).
    # Py4J would open a second connection, and with it a thread, to release an object that Python
    # collects during a call; a later call may then use that thread. Instead Java keeps such
    # objects until this process ends.
    get_gateway().gateway_property.enable_memory_management = False
    configuration = Configuration()
    for option, value in _configuration(name, restore_from).items():
        configuration.set_string(option, str(value))
    settings = EnvironmentSettings.new_instance().with_configuration(configuration)
    environment = TableEnvironment.create(
        (settings.in_batch_mode() if batch else settings.in_streaming_mode()).build()
    )
    for definition in definitions:
        environment.execute_sql(definition)
    return environment


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
        **keystores.flink_client(),
        "parallelism.default": settings.parallelism,
        "execution.checkpointing.interval": f"{int(settings.checkpoint_interval_s * 1000)} ms",
        "execution.checkpointing.min-pause": "1 s",
        "execution.checkpointing.tolerable-failed-checkpoints": 100,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.dir": settings.checkpoint_dir,
        "table.local-time-zone": "UTC",
        "pipeline.object-reuse": "true",
        # Collect rows briefly before a group's state is updated and its row is written.
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": f"{settings.mini_batch_latency_ms} ms",
        "table.exec.mini-batch.size": "20000",
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
        # The view of valid events is computed once for all statements.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        # Every sink's key is its query's group key: nothing to reorder, no second state.
        "table.exec.sink.upsert-materialize": "NONE",
        "table.exec.sink.require-on-conflict": "false",
        "table.exec.state.ttl": f"{int(settings.state_ttl_h * 3600)} s",
        # A plan names tables; their options, with addresses and passwords, are given each time.
        "table.plan.compile.catalog-objects": "IDENTIFIER",
        "table.plan.restore.catalog-objects": "IDENTIFIER",
    }
    if restore_from:
        found["execution.state-recovery.path"] = restore_from
        # Flink deletes it once newer checkpoints have taken its place.
        found["execution.state-recovery.claim-mode"] = "CLAIM"
        # The state of a table that is no longer wanted is dropped.
        found["execution.state-recovery.ignore-unclaimed-state"] = "true"
    os.environ.setdefault("TZ", "UTC")
    return found
