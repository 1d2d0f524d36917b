"""The panels that the LMS answers: files of the dashboards (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from contracts import panels
from contracts.errors import Misconfigured
from contracts.panels import Panel
from gateway.errors import NotFound


@lru_cache(maxsize=4)
def dashboards(folder: Path) -> Mapping[str, Mapping[str, Panel]]:
    """Every panel by dashboard and name, in the order they are shown; read once per process.

    Raises ``Misconfigured`` for a folder without panels or a header that is wrong.
    """
    found = panels.read_all(folder)
    if not found:
        raise Misconfigured(
            f"LMS_ANALYTICS_PANELS: {folder} has no <dashboard>/<panel>.sql",
            setting="LMS_ANALYTICS_PANELS",
        )
    return found


def panel(folder: Path, dashboard: str, name: str) -> Panel:
    """Raises ``NotFound`` naming what there is."""
    found = dashboards(folder)
    if dashboard not in found:
        raise NotFound(f"there is no dashboard {dashboard}; there is {', '.join(found)}")
    if name not in found[dashboard]:
        raise NotFound(f"dashboard {dashboard} has {', '.join(found[dashboard])}, not {name}")
    return found[dashboard][name]
