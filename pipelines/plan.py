"""A compiled plan of Flink: which states it keeps, under names that survive changes around them.

Flink finds a state by its operator's id, and numbers operators in order: one more table, and every
sum of the others would be lost. So each node of the compiled plan gets an id made of what it is
(its sources, keys and sums), wherever in the plan it is. Two plans are compatible if every state
that both have has the same shape.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_VOLATILE = ("id", "description", "configuration", "inputProperties", "state")
"""Attributes of a node that do not change the shape of its state."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``text`` is Flink's JSON; the others describe by name what a savepoint of it holds.

    ``tables``: of each table the digest of the statement that makes it. ``states``: of each
    stateful operator a line for people and the digest of its shape.
    """

    text: str
    tables: Mapping[str, str]
    states: Mapping[str, tuple[str, str]]
    part_s: int

    def facts(self) -> dict[str, Any]:
        """What to keep of it, to compare a later plan with."""
        return {"tables": self.tables, "states": self.states, "part_s": self.part_s}


def plan(text: str, tables: Mapping[str, str], part_s: int) -> Plan:
    """The plan that Flink compiled, with lasting names."""
    compiled = json.loads(text)
    nodes: list[dict[str, Any]] = compiled["nodes"]
    sources = _sources(nodes, compiled["edges"])
    names: dict[int, int] = {}
    for node in nodes:
        described = f"{node['type']} {_about(node)} of {sorted(sources[node['id']])}"
        name = int.from_bytes(hashlib.sha256(described.encode()).digest()[:4]) >> 1
        while name in names.values():
            name += 1
        names[node["id"]] = name
    for node in nodes:
        node["id"] = names[node["id"]]
    for edge in compiled["edges"]:
        edge["source"], edge["target"] = names[edge["source"]], names[edge["target"]]
    states = {
        str(node["id"]): (_about(node), _shape(node))
        for node in nodes
        if node.get("state") or "table-source-scan" in node["type"]
    }
    return Plan(json.dumps(compiled), tables, states, part_s)


def differences(before: Mapping[str, Any], after: Plan) -> list[str]:
    """Why ``after`` cannot start from the state of the plan whose ``facts`` are ``before``.

    Empty where it can. A state that ``after`` no longer has is no reason: it is dropped.
    """
    found = []
    for table, digest in after.tables.items():
        if table not in before["tables"]:
            found.append(f"{table} is new: it would lack what was counted before")
        elif before["tables"][table] != digest:
            found.append(f"{table} is made by another statement than its rows were")
    if before["part_s"] != after.part_s:
        found.append(
            f"a partial sum spans {after.part_s} s of arrival and spanned {before['part_s']} s "
            "(LMS_FLINK_STATE_TTL_H)"
        )
    if found:
        return found
    for name, (about, shape) in after.states.items():
        known = before["states"].get(name)
        if known is None:
            found.append(f"there is no state yet for {about}")
        elif known[1] != shape:
            found.append(f"the state of {about} has another shape")
    return found


def _sources(
    nodes: Iterable[Mapping[str, Any]], edges: Iterable[Mapping[str, Any]]
) -> dict[int, set[str]]:
    """Of each node the tables it reads; edges lead from earlier nodes to later ones."""
    found: dict[int, set[str]] = {
        node["id"]: {_about(node)} if "table-source-scan" in node["type"] else set()
        for node in nodes
    }
    grown = True
    while grown:
        grown = False
        for edge in edges:
            more = found[edge["source"]] - found[edge["target"]]
            found[edge["target"]] |= more
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
