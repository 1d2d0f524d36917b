"""Panels as files: a header of ``-- name: value`` lines, then SQL that runs as it stands.

The files belong to the dashboards, whose tests check them; here they are read like any published
file (docs/adr/0007-panels-are-read-as-files.md): what this reader does not know it passes over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from contracts.errors import Misconfigured
from gateway.errors import NotFound

_LINE = re.compile(r"^-- ([a-z]+)(?: ([a-z][a-z0-9_]*))?: (.+)$")
_NEEDED = ("title", "question", "picture", "unit")


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, and the query."""

    dashboard: str
    name: str
    title: str
    question: str
    picture: str
    unit: str
    order: int
    sql: str
    note: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4)
def dashboards(folder: Path) -> Mapping[str, Mapping[str, Panel]]:
    """Every panel by dashboard and name, in the order they are shown; read once per process.

    Raises ``Misconfigured`` for a folder without panels or a header that lacks what it needs.
    """
    panels = [_read(path) for path in sorted(folder.glob("*/*.sql"))]
    if not panels:
        raise Misconfigured(
            f"LMS_ANALYTICS_PANELS: {folder} has no <dashboard>/<panel>.sql",
            setting="LMS_ANALYTICS_PANELS",
        )
    found: dict[str, dict[str, Panel]] = {}
    for panel in sorted(panels, key=lambda panel: (panel.dashboard, panel.order, panel.name)):
        found.setdefault(panel.dashboard, {})[panel.name] = panel
    return found


def panel(folder: Path, dashboard: str, name: str) -> Panel:
    """Raises ``NotFound`` naming what there is."""
    found = dashboards(folder)
    if dashboard not in found:
        raise NotFound(f"there is no dashboard {dashboard}; there is {', '.join(found)}")
    if name not in found[dashboard]:
        raise NotFound(f"dashboard {dashboard} has {', '.join(found[dashboard])}, not {name}")
    return found[dashboard][name]


def _read(path: Path) -> Panel:
    text = path.read_text(encoding="utf-8")
    facts: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {"label": {}, "unit": {}}
    for line in text.splitlines():
        if (found := _LINE.match(line)) is None:
            break
        name, column, value = found.groups()
        if column is None:
            facts[name] = value
        elif name in columns:
            columns[name][column] = value
    if missing := [name for name in _NEEDED if name not in facts]:
        raise Misconfigured(f"{path}: the header lacks {', '.join(missing)}", path=path)
    order = facts.get("order", "100")
    return Panel(
        dashboard=path.parent.name,
        name=path.stem,
        title=facts["title"],
        question=facts["question"],
        picture=facts["picture"],
        unit=facts["unit"],
        order=int(order) if order.isdecimal() else 100,
        sql=text,
        note=facts.get("note"),
        labels=columns["label"],
        units=columns["unit"],
    )
