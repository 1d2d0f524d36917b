"""All parts of the local stack, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.errors import Misconfigured
from stack.local.flink import JobManager, TaskManager
from stack.local.kafka import Kafka
from stack.local.part import Part
from stack.local.postgres import Postgres
from stack.local.processes import PROCESSES
from stack.local.redis import Redis

PARTS: dict[str, Part] = {
    part.name: part
    for part in (Kafka(), Postgres(), Redis(), JobManager(), TaskManager(), *PROCESSES)
}

GROUPS = {
    "flink": ("jobmanager", "taskmanager"),
    "servers": ("kafka", "postgres", "redis", "jobmanager", "taskmanager"),
}
"""Names for several parts at once."""


def named(names: Iterable[str]) -> list[Part]:
    """The parts with these names (or groups), all when there are none; in catalogue order."""
    wanted: set[str] = set()
    for name in names:
        members = GROUPS.get(name, (name,))
        for unknown in set(members) - PARTS.keys():
            known = ", ".join([*GROUPS, *PARTS])
            raise Misconfigured(f"there is no part {unknown!r}: choose from {known}")
        wanted.update(members)
    return [part for name, part in PARTS.items() if name in wanted or not wanted]
