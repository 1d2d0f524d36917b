"""A Flink job: what it reads, what it writes, and its SQL."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts import flink
from contracts.errors import Rejected
from contracts.topics import Topic
from pipelines.derive.tables import Table
from pipelines.statements import Variant, statements
from stack import tls
from stack.flink import FlinkSettings
from stack.kafka import KafkaSettings
from stack.postgres import PostgresSettings

_FOLDER = Path(__file__).parent / "jobs"


_TYPES = {"bigint": "BIGINT", "integer": "INT", "double precision": "DOUBLE", "boolean": "BOOLEAN"}
"""Flink's names of PostgreSQL's types; others travel as text."""


@dataclass(frozen=True)
class Upsert:
    """A declared table as Flink writes it.

    Ids and buckets are ``STRING`` here and ``uuid`` and ``timestamptz`` there: Postgres converts.
    A bucket stays the text it is grouped by, because a converted group key is no longer known to
    be the key of the sink, and Flink would keep every row in a second state to be sure.
    """

    to: Table

    @property
    def table(self) -> str:
        return self.to.name

    @property
    def columns(self) -> Mapping[str, str]:
        """Flink's type of each column."""
        return {name: _TYPES.get(one.type, "STRING") for name, one in self.to.columns.items()}

    def ddl(self) -> str:
        jdbc = PostgresSettings().analytics_jdbc()
        columns = [f"`{name}` {type_}" for name, type_ in self.columns.items()]
        key = ", ".join(f"`{name}`" for name in self.to.key)
        return flink.table(
            self.table,
            [*columns, f"PRIMARY KEY ({key}) NOT ENFORCED"],
            {
                "connector": "jdbc",
                **jdbc,
                "url": jdbc["url"] + "&stringtype=unspecified",
                "driver": FlinkSettings().jdbc_driver,
                "table-name": self.table,
                "sink.buffer-flush.max-rows": "5000",
                "sink.buffer-flush.interval": "200 ms",
            },
        )


@dataclass(frozen=True)
class Job:
    """One module of ``pipelines/jobs``: its name, the topics it reads, the tables it writes.

    The tables, who may write and read them, and their page follow from this declaration. Each is
    kept in partial sums: its column ``part`` is the last of the key.
    """

    name: str
    about: str
    reads: tuple[Topic, ...]
    tables: tuple[Table, ...]
    variants: tuple[Variant, ...] = ()
    """What the SQL says once for several grains of time (``pipelines.statements``)."""

    @property
    def sql_path(self) -> Path:
        return _FOLDER / f"{self.name}.sql"

    @property
    def writes(self) -> tuple[Upsert, ...]:
        return tuple(map(Upsert, self.tables))

    def statements(self) -> list[str]:
        """The ``INSERT`` statements of the job's ``.sql``."""
        return statements(self.sql_path, self.variants)


def catalogue() -> dict[str, Job]:
    """Every job by name: the modules of ``pipelines/jobs``."""
    found: dict[str, Job] = {}
    for module in pkgutil.iter_modules([str(_FOLDER)]):
        job: Job = importlib.import_module(f"pipelines.jobs.{module.name}").JOB
        if job.name != module.name:
            raise TypeError(f"pipelines/jobs/{module.name}.py declares a job named {job.name!r}")
        found[job.name] = job
    return found


def tables() -> list[Table]:
    """Every table of every job."""
    return [table for job in catalogue().values() for table in job.tables]


def find(name: str) -> Job:
    jobs = catalogue()
    if name not in jobs:
        raise Rejected(f"there is no job {name!r}; there are {', '.join(jobs)}", job=name)
    return jobs[name]


def kafka_options() -> dict[str, str]:
    """The connector options that reach our Kafka, for a source and a sink alike.

    They hold no password: who the jobs are to Kafka is known to Flink's own processes alone, by
    the login ``KafkaClient`` of their JAAS configuration (``docs/security.md``).
    """
    settings = KafkaSettings()
    options = {
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "properties.security.protocol": settings.security_protocol,
        **{f"properties.{name}": value for name, value in tls.java_kafka().items()},
    }
    if settings.authenticates:
        options["properties.sasl.mechanism"] = settings.sasl_mechanism
    return options
