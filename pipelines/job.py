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
from stack import tls
from stack.kafka import KafkaSettings
from stack.postgres import PostgresSettings

_FOLDER = Path(__file__).parent / "jobs"


@dataclass(frozen=True)
class Upsert:
    """A table of the analytical database: Flink columns by name, and the key among them.

    Ids and buckets are ``STRING`` here and ``uuid`` and ``timestamptz`` there: Postgres converts.
    A bucket stays the text it is grouped by, because a converted group key is no longer known to
    be the key of the sink, and Flink would keep every row in a second state to be sure.
    """

    table: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    def ddl(self) -> str:
        jdbc = PostgresSettings().analytics_jdbc()
        columns = [f"`{name}` {type_}" for name, type_ in self.columns.items()]
        key = ", ".join(f"`{name}`" for name in self.key)
        return flink.table(
            self.table,
            [*columns, f"PRIMARY KEY ({key}) NOT ENFORCED"],
            {
                "connector": "jdbc",
                **jdbc,
                "url": jdbc["url"] + "&stringtype=unspecified",
                "table-name": self.table,
                "sink.buffer-flush.max-rows": "5000",
                "sink.buffer-flush.interval": "200 ms",
            },
        )


@dataclass(frozen=True)
class Job:
    """One module of ``pipelines/jobs``: its name, the topics it reads, the tables it writes."""

    name: str
    about: str
    reads: tuple[Topic, ...]
    writes: tuple[Upsert, ...]

    @property
    def sql_path(self) -> Path:
        return _FOLDER / f"{self.name}.sql"

    def statements(self) -> list[str]:
        """The ``INSERT`` statements of the job's ``.sql``."""
        text = self.sql_path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
        return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def catalogue() -> dict[str, Job]:
    """Every job by name: the modules of ``pipelines/jobs``."""
    found: dict[str, Job] = {}
    for module in pkgutil.iter_modules([str(_FOLDER)]):
        job: Job = importlib.import_module(f"pipelines.jobs.{module.name}").JOB
        if job.name != module.name:
            raise TypeError(f"pipelines/jobs/{module.name}.py declares a job named {job.name!r}")
        found[job.name] = job
    return found


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
