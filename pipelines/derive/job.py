"""A derived job: the tables it keeps, what it reads for that, and its SQL.

A module and an ``.sql`` of one name in ``pipelines/derive/jobs``. What jobs keep and read orders
them in a step; a test compares both with the SQL.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from contracts.errors import Misconfigured, Rejected
from pipelines.derive.tables import Table
from pipelines.statements import Variant, statements

_FOLDER = Path(__file__).parent / "jobs"
INPUTS_SQL = Path(__file__).with_name("inputs.sql")
INPUTS = tuple(
    re.findall(r"^CREATE TEMP TABLE (\w+)", INPUTS_SQL.read_text(encoding="utf-8"), re.MULTILINE)
)
"""The tables of a step's inputs, which ``load_inputs.sql`` fills before any job runs."""
ARCHIVE = "activity_events"


@dataclass(frozen=True)
class Derived:
    """``pipelines/derive/jobs/<name>.py`` says what, ``<name>.sql`` how.

    A job runs in every step and adds what the step's new events change. One with ``due`` refreshes
    whole keys instead, between steps: those in the queue ``due``, which its SQL finds in the table
    ``due``.
    """

    name: str
    about: str
    tables: tuple[Table, ...]
    reads: tuple[str, ...]
    """Inputs of the step, tables of other jobs, the archive: all that its SQL reads but its own."""
    queues: tuple[Table, ...] = ()
    """Where it puts keys that something else refreshes or publishes after the step."""
    scratch: Mapping[str, str] = field(default_factory=dict)
    """Temporary tables of its own, with their columns; emptied at each commit."""
    variants: tuple[Variant, ...] = ()
    """What the SQL says once for several grains of time (``pipelines.statements``)."""
    due: str | None = None
    all_due: str | None = None
    """The query for every key there is, for a job with ``due``."""

    @property
    def writes(self) -> set[str]:
        return {table.name for table in (*self.tables, *self.queues)} | set(self.scratch)

    @property
    def needs(self) -> set[str]:
        """The jobs whose tables this one reads: it is rebuilt after them."""
        return {
            name
            for name, other in catalogue().items()
            if {table.name for table in other.tables} & set(self.reads)
        }

    def statements(self) -> list[str]:
        return statements(_FOLDER / f"{self.name}.sql", self.variants)


@cache
def catalogue() -> dict[str, Derived]:
    """Every derived job by name, in the order of a step: each after those whose tables it reads."""
    found: dict[str, Derived] = {}
    for module in pkgutil.iter_modules([str(_FOLDER)]):
        job: Derived = importlib.import_module(f"pipelines.derive.jobs.{module.name}").JOB
        if job.name != module.name:
            raise TypeError(f"derive/jobs/{module.name}.py declares a job named {job.name!r}")
        found[job.name] = job
    return in_order(found)


def in_order(jobs: Mapping[str, Derived]) -> dict[str, Derived]:
    """The jobs, each after the writers of what it reads.

    Raises ``Misconfigured`` where two jobs write one table, nobody writes what a job reads, or jobs
    wait for each other.
    """
    writers = dict.fromkeys((*INPUTS, ARCHIVE), "")
    for job in jobs.values():
        for table in job.writes:
            if table in writers:
                raise Misconfigured(f"{job.name} and {writers[table] or 'inputs'} write {table}")
            writers[table] = job.name
    graph: dict[str, set[str]] = {}
    for job in jobs.values():
        for table in job.reads:
            if table not in writers:
                raise Misconfigured(f"{job.name} reads {table}, which no job writes")
        graph[job.name] = {writers[table] for table in job.reads} - {""}
    try:
        return {name: jobs[name] for name in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        raise Misconfigured(
            f"derived jobs wait for each other: {' → '.join(error.args[1])}"
        ) from None


def tables() -> list[Table]:
    """Every table and queue of every job."""
    return [table for job in catalogue().values() for table in (*job.tables, *job.queues)]


def queues() -> list[str]:
    """The names of all queues: empty when nothing is due."""
    return [queue.name for job in catalogue().values() for queue in job.queues]


def find(name: str) -> Derived:
    jobs = catalogue()
    if name not in jobs:
        raise Rejected(
            f"there is no derived job {name!r}; there are {', '.join(sorted(jobs))}", job=name
        )
    return jobs[name]
