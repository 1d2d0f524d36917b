"""What features know of lineage: which tables a view reads, which of them a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contracts.feature_views import View
from contracts.lineage import Edge, Node, sources
from contracts.tiles import COURSE_TABLES
from features.catalogue import SERVICES, VIEWS, WINDOW_VIEWS
from features.windowed import WindowView


def edges(
    rows: Iterable[View] = tuple(VIEWS.values()),
    windowed: Iterable[WindowView] = tuple(WINDOW_VIEWS.values()),
) -> Iterator[Edge]:
    """A windowed view reads tiles, one that compares with the course also what is derived."""
    for view in rows:
        node = Node("feature view", view.name)
        for source in sources(view.queries["rows"]):
            yield source, node
        yield from _features(view.name, view.features)
    for one in windowed:
        node = Node("feature view", one.name)
        yield Node("table", one.tiles.name), node
        if one.relative:
            for name in COURSE_TABLES:
                yield Node("table", name), node
        yield from _features(one.name, one.features)
    for service in SERVICES:
        for name, features in service.reads.items():
            for feature in features:
                yield Node("feature", f"{name}:{feature}"), Node("model", service.name)


def _features(view: str, names: Iterable[str]) -> Iterator[Edge]:
    for name in names:
        yield Node("feature view", view), Node("feature", f"{view}:{name}")
