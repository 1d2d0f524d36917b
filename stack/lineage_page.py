"""Lineage as a page: where each panel, model and feature comes from, and where each event goes."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from contracts.lineage import Edge, Node
from stack.profile import REPOSITORY

_HEAD = """# Lineage

Made by `./learnstream generate` from the declarations of events, jobs, tables, feature views,
models and panels (`<package>/lineage.py`); edit those.

What learners do becomes an *event* on a *topic*. A *job* makes *tables* of it: Flink's jobs read
topics, derived jobs the archive (`activity_events`), which has every event. *Feature views* are
merged from tables, *models* read their features, *panels* show tables. A model's offers become
events again; what comes of these is not counted among what it learns from."""


class Lineage:
    """The graph of all packages; a table that no job makes is a name inside a query, and left
    out."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        every = set(edges)
        made = {after for _, after in every}
        self.edges = {
            (before, after) for before, after in every if before.kind != "table" or before in made
        }
        self._after: dict[Node, set[Node]] = defaultdict(set)
        self._before: dict[Node, set[Node]] = defaultdict(set)
        for before, after in self.edges:
            self._after[before].add(after)
            self._before[after].add(before)

    def nodes(self, kind: str) -> list[Node]:
        return sorted({node for edge in self.edges for node in edge if node.kind == kind})

    def made_from(self, node: Node) -> set[Node]:
        """What is made from it without anything between."""
        return self._after[node]

    def before(self, node: Node) -> set[Node]:
        """All that it is made from, but for what made a model's offers."""
        return _reached(node, self._before)

    def after(self, node: Node) -> set[Node]:
        """All that is made from it, but for what comes of a model's offers."""
        return _reached(node, self._after)


def _reached(start: Node, steps: Mapping[Node, set[Node]]) -> set[Node]:
    found: set[Node] = set()
    ahead = [start]
    while ahead:
        node = ahead.pop()
        for one in steps.get(node, ()):
            if {node.kind, one.kind} != {"model", "event"} and one not in found:
                found.add(one)
                ahead.append(one)
    return found


def read() -> Lineage:
    """What every ``<package>/lineage.py`` says."""
    modules = sorted(f"{path.parent.name}.lineage" for path in REPOSITORY.glob("*/lineage.py"))
    return Lineage(edge for name in modules for edge in importlib.import_module(name).edges())


def page(lineage: Lineage) -> str:
    """The Markdown of ``docs/generated/lineage.md``."""
    lines = [_HEAD]
    for title, kind, back in (
        ("Where a panel's numbers come from", "panel", ("table", "job", "event")),
        ("What a model learns from", "model", ("feature", "table", "job", "event")),
        ("What a feature view is made from", "feature view", ("table", "job", "event")),
    ):
        lines += _table(title, kind, back, lineage, lineage.before)
    onward = ("topic", "job", "table", "feature view", "model", "panel")
    lines += _table("Where an event goes", "event", onward, lineage, lineage.after)
    lines += ["", "## What a model's offers become", "", "| model | events |", "|---|---|"]
    lines += [
        f"| {_names([model])} | {_names(lineage.made_from(model))} |"
        for model in lineage.nodes("model")
    ]
    lines += ["", "## Features", "", "| feature | models |", "|---|---|"]
    lines += [
        f"| {_names([feature])} | {_names(lineage.after(feature))} |"
        for feature in lineage.nodes("feature")
    ]
    return "\n".join(lines) + "\n"


def _table(
    title: str,
    kind: str,
    columns: Sequence[str],
    lineage: Lineage,
    reached: Callable[[Node], set[Node]],
) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"| {kind} | {' | '.join(f'{one}s' for one in columns)} |")
    yield "|---" * (len(columns) + 1) + "|"
    for node in lineage.nodes(kind):
        found = reached(node)
        cells = [_names(one for one in found if one.kind == column) for column in columns]
        yield f"| {_names([node])} | {' | '.join(cells)} |"


def _names(nodes: Iterable[Node]) -> str:
    return ", ".join(f"`{node.name}`" for node in sorted(nodes))
