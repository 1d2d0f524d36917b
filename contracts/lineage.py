"""Where what people and models read comes from: the graph's nodes, and what contracts know of it.

Each package says its part in ``<package>/lineage.py`` by ``edges()``, made from its declarations;
nothing lists these modules. ``stack/lineage_page.py`` joins them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import contracts.events  # noqa: F401 - declares every event
from contracts.event import EVENTS

Kind = Literal["event", "topic", "job", "table", "feature view", "feature", "model", "panel"]


class Node(NamedTuple):
    """A declared thing."""

    kind: Kind
    name: str


Edge = tuple[Node, Node]
"""The second is made from the first."""

ARCHIVE = "activity_events"
"""The table that has every event: who reads it names those it means."""
_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(?:\w+\.)?([a-z_]\w*)", re.IGNORECASE)
_TEXT = re.compile(r"'([^']+)'")


def sources(sql: str) -> Iterator[Node]:
    """The tables that a query reads, and its own names: what no job makes is left out later. Of the
    archive it is the events that it means."""
    text = _COMMENT.sub("", sql)
    for name in dict.fromkeys(_SOURCE.findall(text)):
        yield Node("table", name)
        if name == ARCHIVE:
            yield from events_of(text)


def events_of(sql: str) -> list[Node]:
    """The events whose types, or whose topics, a query names; all, where it names none."""
    named = [text.removesuffix("%%") for text in _TEXT.findall(sql)]
    found = [
        type_
        for type_, event in EVENTS.items()
        if type_ in named
        or event.TOPIC.name in named
        or any(text.endswith(".") and type_.startswith(text) for text in named)
    ]
    return [Node("event", type_) for type_ in found or EVENTS]


def edges() -> Iterator[Edge]:
    """Each event travels on a topic."""
    for type_, event in EVENTS.items():
        yield Node("event", type_), Node("topic", event.TOPIC.name)
