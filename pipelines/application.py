"""The jobs as one Flink application: one statement set, so that a topic is read and parsed once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts import flink
from contracts.errors import Misconfigured
from contracts.tiles import GENERATION, PARTS_BEGIN
from contracts.topics import Topic
from pipelines import plan, published
from pipelines.job import Job, kafka_options
from pipelines.start import Start
from stack import keystores
from stack.flink import FlinkSettings
from stack.profile import profile

if TYPE_CHECKING:
    from pyflink.table import CompiledPlan, StatementSet, TableEnvironment

NAME = "learnstream"
"""The application's name in Flink."""
_JOB_ID = "$internal.pipeline.job-id"
"""Flink's own option: who submits says the id, so it is known before there is such a job."""
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""The planner's JVM lives for seconds: without the optimizing compiler it needs half the CPU."""
_BATCH = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": 3,
    "restart-strategy.fixed-delay.delay": "3 s",
}
"""A stream tries for ever. Somebody waits for a batch, which fails and says why."""

Starts = Mapping[str, Start]
"""By job where it counts from; one that is missing begins where its topics begin."""


def definitions(jobs: Sequence[Job], starts: Starts | None = None) -> list[str]:
    """The tables and views that the jobs share, each once."""
    begun, found = _begun(jobs, starts), []
    topics = {topic.name: topic for job in jobs for topic in job.reads}
    for topic, readers in ((topics[name], readers) for name, readers in _readers(jobs).items()):
        offsets = _first([begun[name].offsets.get(topic.name, {}) for name in readers])
        # Its position is in the checkpoints. Without one it begins where the first of its readers
        # begins: the upserts make the sums right again.
        options = {
            **kafka_options(),
            "properties.group.id": "flink",
            "scan.startup.mode": "earliest-offset",
        }
        known = options | {
            "scan.startup.mode": "specific-offsets",
            "scan.startup.specific-offsets": ";".join(
                f"partition:{number},offset:{offset}" for number, offset in offsets.items()
            ),
        }
        found.append(flink.source(topic, known if offsets else options))
        named = {column for job in jobs if job.name in readers for column in _named(job, topic)}
        found += [*flink.repeats(topic, options, offsets), _checked(topic, named)]
    found += [sink.ddl() for job in jobs for sink in job.writes]
    return found + [sink for job in jobs for sink in published.sinks(job)]


def statements(jobs: Sequence[Job], starts: Starts | None = None) -> list[str]:
    """Each job's views of what it counts, and its ``INSERT`` statements over them."""
    return _over_views(jobs, starts, Job.statements)


def streamed(jobs: Sequence[Job], starts: Starts | None = None) -> list[str]:
    """All that runs: what makes the tables, and the tiles that are published too."""
    return _over_views(jobs, starts, _streamed)


def _streamed(job: Job) -> list[str]:
    return job.statements() + published.statements(job)


def _over_views(
    jobs: Sequence[Job], starts: Starts | None, inserts: Callable[[Job], list[str]]
) -> list[str]:
    begun, found = _begun(jobs, starts), []
    for job in jobs:
        start = begun[job.name]
        for topic in job.reads:
            own = start.offsets.get(topic.name, {})
            # A source that goes on from a savepoint has not come so far as an archive that was
            # counted after it.
            where = flink.since(own) if own else None
            part, named = _part(start.generation), _named(job, topic)
            found += flink.view(topic, part, where=where, only=named)
        found += inserts(job)
    return found


def _begun(jobs: Sequence[Job], starts: Starts | None) -> Starts:
    """With numbers for jobs that have none, for no two may have the same."""
    known = starts or {}
    last = max((start.generation for start in known.values()), default=-1)
    missing = [job.name for job in jobs if job.name not in known]
    return {**known, **{name: Start(last + n) for n, name in enumerate(missing, 1)}}


def _readers(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Of each topic, by name, the jobs that read it."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        for topic in job.reads:
            found.setdefault(topic.name, []).append(job.name)
    return found


def _first(offsets: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The least of each partition; one that somebody reads from its beginning is left out."""
    shared = set.intersection(*map(set, offsets))
    return {number: min(one[number] for one in offsets) for number in sorted(shared)}


def _checked(topic: Topic, named: Collection[str] | None = None) -> str:
    return flink.checked(topic, {"arrived": _arrived()}, named)


def _named(job: Job, topic: Topic) -> list[str]:
    return ["weight", *flink.named(topic, job.statements())]


def _arrived() -> str:
    """The span in which a message arrived by Kafka's own clock: the number of its partial sum.

    A partial sum changes for no longer than its span and the jobs' lag. So Flink may forget one
    that has not changed for longer.
    """
    return (
        f"TIMESTAMPDIFF(SECOND, TIMESTAMP '{PARTS_BEGIN:%Y-%m-%d %H:%M:%S}', "
        f"CAST(`arrived_at` AS TIMESTAMP(3))) / {FlinkSettings().part_s}"
    )


def _part(generation: int) -> str:
    return f"CAST({generation * GENERATION} AS BIGINT) + `arrived`"


def fingerprint(job: Job, start: Start) -> str:
    """Changes with all that Flink runs for the job but addresses; cheaper than compiling a plan."""
    texts = [importlib.metadata.version("apache-flink"), _part(start.generation)]
    for topic in job.reads:
        texts += [flink.source(topic, {}), *flink.repeats(topic, {}), _checked(topic)]
        texts.append(str(sorted(start.offsets.get(topic.name, {}).items())))
    return hashlib.sha256("\n".join(texts + _streamed(job)).encode()).hexdigest()


def digests(job: Job) -> dict[str, str]:
    """Of each table of the job the digest of the statement that makes it."""
    return {
        sink.table: hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()
        for sink, text in zip(job.writes, job.statements(), strict=True)
    }


def explain(jobs: Sequence[Job]) -> str:
    return str(build(definitions(jobs), streamed(jobs)).explain())


def compiled(jobs: Sequence[Job], starts: Starts) -> plan.Plan:
    """The jobs' plan; nothing runs yet."""
    built = build(definitions(jobs, starts), streamed(jobs, starts))
    owners = {
        table: plan.Owner(job.name, starts[job.name].generation)
        for job in jobs
        for sink in job.writes
        for table in (sink.table, published.name(sink.table))
    }
    return plan.plan(built.compile_plan().as_json_string(), owners)


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan that Flink's planner has translated: to start it is all that is left."""

    plan: plan.Plan
    environment: TableEnvironment
    translated: CompiledPlan


def ready(jobs: Sequence[Job], starts: Starts, made: plan.Plan) -> Ready:
    """Translate the plan, which takes longer than starting it: do so while others still run."""
    environment = _environment(definitions(jobs, starts), NAME)
    from pyflink.table import PlanReference

    path = profile().run / "plan.json"
    path.write_text(made.text)
    translated = environment.load_plan(PlanReference.from_file(str(path)))
    translated._t_env = environment  # PyFlink 2.3 gives it Java's, which cannot execute it
    translated.explain()  # for this it translates, and keeps what it made
    return Ready(made, environment, translated)


def submit(what: Ready, restore_from: str | None, job_id: str) -> None:
    """Start the application on the cluster under Flink's id ``job_id``."""
    more = {_JOB_ID: job_id}
    if restore_from:
        more |= _restoring(restore_from)
    for option, value in more.items():
        what.environment.get_config().set(option, value)
    what.translated.execute()


def start(built: StatementSet) -> str:
    """Submit it to the cluster; returns Flink's job id."""
    client = built.execute().get_job_client()
    if client is None:
        raise Misconfigured("the application was not given to a cluster: execution.target is local")
    return str(client.get_job_id())


def build(
    definitions: Sequence[str], statements: Sequence[str], name: str = NAME, batch: bool = False
) -> StatementSet:
    """One statement set over the definitions, as the cluster will run it under ``name``.

    Among the statements may be definitions, which hold for what follows.
    """
    environment = _environment(definitions, name, batch)
    together = environment.create_statement_set()
    for statement in statements:
        if statement.startswith("INSERT"):
            together.add_insert_sql(statement)
        else:
            environment.execute_sql(statement)
    return together


def _environment(definitions: Sequence[str], name: str, batch: bool = False) -> TableEnvironment:
    os.environ.setdefault("TZ", "UTC")
    os.environ.setdefault("JVM_ARGS", _JVM)
    # Log lines of the client JVM would land between ours.
    with contextlib.redirect_stderr(None):
        from pyflink.common import Configuration
        from pyflink.java_gateway import get_gateway
        from pyflink.table import EnvironmentSettings, TableEnvironment
        from pyflink.util.java_utils import add_jars_to_context_class_loader

    # The planner works only in the thread of Java in which its environment was made (FLINK-36298).
    # Py4J would open a second connection, and with it a thread, to release an object that Python
    # collects during a call; a later call may then use that thread. Instead Java keeps such
    # objects until this process ends.
    get_gateway().gateway_property.enable_memory_management = False
    # For the planner alone. A job that brought them would have classes of its own, which the
    # cluster never unloads: the drivers and threads in them outlive the job.
    add_jars_to_context_class_loader(_connectors())
    configuration = Configuration()
    for option, value in {**_configuration(name), **(_BATCH if batch else {})}.items():
        configuration.set_string(option, str(value))
    settings = EnvironmentSettings.new_instance().with_configuration(configuration)
    environment = TableEnvironment.create(
        (settings.in_batch_mode() if batch else settings.in_streaming_mode()).build()
    )
    for definition in definitions:
        environment.execute_sql(definition)
    return environment


def _connectors() -> list[str]:
    settings = FlinkSettings()
    if not (jars := sorted(settings.jars.glob("*.jar"))):
        raise Misconfigured(
            f"no connector jars in {settings.jars}: ./learnstream up brings them, or set "
            "LMS_FLINK_JARS to a folder that has them",
            setting="LMS_FLINK_JARS",
        )
    return [jar.resolve().as_uri() for jar in jars]


def _configuration(name: str) -> dict[str, Any]:
    settings = FlinkSettings()
    return {
        "pipeline.name": name,
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


def _restoring(path: str) -> dict[str, str]:
    return {
        "execution.state-recovery.path": path,
        # Flink deletes it once newer checkpoints have taken its place.
        "execution.state-recovery.claim-mode": "CLAIM",
        # The state of a table that is no longer wanted is dropped.
        "execution.state-recovery.ignore-unclaimed-state": "true",
    }
