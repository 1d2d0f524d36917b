"""A compiled plan of Flink: which states it keeps, under names that survive changes around them.

Flink finds a state by its operator's id, and numbers operators in order: one more table, and every
sum of the others would be lost. So each node of the compiled plan gets an id made of what it is
(its sources, keys and sums), wherever in the plan it is. What belongs to one job alone is named for
the job and its generation too: a job that is counted anew never gets its old state, and the others
keep theirs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

_VOLATILE = ("id", "description", "configuration", "inputProperties", "state")
"""Attributes of a node that do not change the shape of its state."""

_UNSAID = ("table-source-scan", "over-aggregate")
"""Types of nodes that have a state of which Flink's plan says nothing."""

States = Mapping[str, Sequence[Any]]
"""By name of an operator: a line for people, the digest of its state's shape, whose it is."""


class Owner(NamedTuple):
    """Whose a table is."""

    job: str
    generation: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``text`` is Flink's JSON; ``states`` describe what a savepoint of it holds."""

    text: str
    states: States


def plan(text: str, owners: Mapping[str, Owner]) -> Plan:
    """The plan that Flink compiled, with lasting names; ``owners`` of each table it writes."""
    compiled = json.loads(text)
    nodes: list[dict[str, Any]] = compiled["nodes"]
    edges = [(edge["source"], edge["target"]) for edge in compiled["edges"]]
    sources = _reached(nodes, edges, "table-source-scan")
    tables = _reached(nodes, [(target, source) for source, target in edges], "sink")
    jobs = {node["id"]: sorted({owners[t] for t in tables[node["id"]]}) for node in nodes}
    names = _names(nodes, sources, tables, jobs)
    states = {
        str(names[node["id"]]): (
            _about(node),
            _shape(node),
            [owner.job for owner in jobs[node["id"]]],
        )
        for node in nodes
        if node.get("state") or any(type_ in node["type"] for type_ in _UNSAID)
    }
    for node in nodes:
        node["id"] = names[node["id"]]
    for edge in compiled["edges"]:
        edge["source"], edge["target"] = names[edge["source"]], names[edge["target"]]
    return Plan(json.dumps(compiled), states)


def differences(before: States, after: Plan, job: str, fresh: bool = False) -> list[str]:
    """Why ``job`` cannot go on in ``after`` from the states ``before``; empty where it can.

    ``fresh``: it has no state yet. A state that ``after`` no longer has is dropped: no reason.
    """
    found = []
    for name, (about, shape, jobs) in after.states.items():
        known = before.get(name)
        if job not in jobs or (known is None and fresh):
            continue
        if known is None:
            found.append(f"there is no state yet for {about}")
        elif known[1] != shape:
            found.append(f"the state of {about} has another shape")
    return found


def _names(
    nodes: Sequence[Mapping[str, Any]],
    sources: Mapping[int, set[str]],
    tables: Mapping[int, set[str]],
    jobs: Mapping[int, list[Owner]],
) -> dict[int, int]:
    """An id for each node."""
    described = {}
    for node in nodes:
        read, owners = sources[node["id"]], jobs[node["id"]]
        text = f"{node['type']} {_about(node)} of {sorted(read)}"
        # What is made of one table alone is the part that jobs share: a job's view is of two, the
        # messages and those that repeat one.
        if len(read) > 1 and len(owners) == 1:
            text += f" for {owners[0].job} {owners[0].generation}"
        described[node["id"]] = text
    often = Counter(described.values())
    # Told apart by the tables they are for, as their order changes. Without its like, one of them
    # would have another name: its state is refused, not mistaken for the other's.
    described = {
        id_: text if often[text] == 1 else f"{text} to {sorted(tables[id_])}"
        for id_, text in described.items()
    }
    names: dict[int, int] = {}
    for id_, text in sorted(described.items(), key=lambda one: (one[1], one[0])):
        name = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1
        while name in names.values():
            name += 1
        names[id_] = name
    return names


def _reached(
    nodes: Iterable[Mapping[str, Any]], edges: Sequence[tuple[int, int]], type_: str
) -> dict[int, set[str]]:
    """Of each node the tables of nodes of that type from which it is reached by the edges."""
    found: dict[int, set[str]] = {
        node["id"]: {_about(node)} if type_ in node["type"] else set() for node in nodes
    }
    grown = True
    while grown:
        grown = False
        for source, target in edges:
            more = found[source] - found[target]
            found[target] |= more
            grown = grown or bool(more)
    return found


def _about(node: Mapping[str, Any]) -> str:
    """What a node is, for people and for its name; of a table only its name counts."""
    table = re.search(r"table=\[+\w+[.,]\s*\w+[.,]\s*(\w+)", node["description"])
    if table and ("scan" in node["type"] or "sink" in node["type"]):
        return table[1]
    return str(node["description"])


def _shape(node: Mapping[str, Any]) -> str:
    if "table-source-scan" in node["type"]:
        return "offsets"
    shape = {name: value for name, value in node.items() if name not in _VOLATILE}
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()
