"""The panels of this folder by dashboard, read on each request: a changed file shows at once."""

from __future__ import annotations

from pathlib import Path

from contracts import panels
from contracts.panels import Panel
from gateway.errors import NotFound

FOLDER = Path(__file__).parent


def dashboards() -> dict[str, list[Panel]]:
    """Every dashboard by name with its panels in the order they are shown."""
    return {name: list(found.values()) for name, found in panels.read_all(FOLDER).items()}


def dashboard(name: str) -> list[Panel]:
    """The panels of one dashboard; raises ``NotFound`` where there is none of that name."""
    found = dashboards()
    if name not in found:
        raise NotFound(
            f"there is no dashboard {name!r}; there is {', '.join(found)}", dashboard=name
        )
    return found[name]


def panel(dashboard_name: str, name: str) -> Panel:
    """One panel; raises ``NotFound`` where there is none of that name."""
    found = {panel.name: panel for panel in dashboard(dashboard_name)}
    if name not in found:
        raise NotFound(
            f"dashboard {dashboard_name!r} has no panel {name!r}; it has {', '.join(found)}",
            dashboard=dashboard_name,
            panel=name,
        )
    return found[name]
