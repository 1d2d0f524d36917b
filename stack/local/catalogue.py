"""All components of the local stack, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.errors import Misconfigured
from stack.arguments import meant
from stack.local.component import Component
from stack.local.flink import JobManager, TaskManager
from stack.local.kafka import Kafka
from stack.local.postgres import Postgres
from stack.local.processes import PROCESSES
from stack.local.redis import Redis

COMPONENTS: dict[str, Component] = {
    component.name: component
    for component in (Kafka(), Postgres(), Redis(), JobManager(), TaskManager(), *PROCESSES)
}

GROUPS = {
    "flink": ("jobmanager", "taskmanager"),
    "servers": ("kafka", "postgres", "redis", "jobmanager", "taskmanager"),
}
"""Names for several components at once."""


def named(names: Iterable[str]) -> list[Component]:
    """The components with these names (or groups), all when there are none; in catalogue order.

    Raises ``Misconfigured`` for an unknown one, with the known name that is near.
    """
    wanted: set[str] = set()
    for name in names:
        members = GROUPS.get(name, (name,))
        for unknown in set(members) - COMPONENTS.keys():
            known = [*GROUPS, *COMPONENTS]
            raise Misconfigured(
                f"there is no component {unknown!r} (choose from {', '.join(known)})"
                f"{meant(unknown, known)}"
            )
        wanted.update(members)
    return [component for name, component in COMPONENTS.items() if name in wanted or not wanted]
