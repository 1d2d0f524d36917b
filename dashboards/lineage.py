"""What dashboards know of lineage: which tables a panel shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contracts.lineage import Edge, Node, sources
from contracts.panels import Panel
from dashboards import catalogue


def edges(panels: Iterable[Panel] | None = None) -> Iterator[Edge]:
    """A panel is made from what its query reads."""
    boards = catalogue.dashboards()
    for panel in panels or (one for board in boards.values() for one in board):
        for source in sources(panel.sql):
            yield source, Node("panel", f"{panel.dashboard}/{panel.name}")
