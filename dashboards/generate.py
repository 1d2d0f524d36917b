"""What the dashboards generate: a Grafana dashboard per folder of panels, and their API."""

from __future__ import annotations

from pathlib import Path

from dashboards import catalogue, grafana
from dashboards.web.app import create_app
from gateway import promise


def generate() -> dict[Path, str]:
    """Text of every generated file by repository-relative path.

    Raises ``Rejected`` for a broken promise of the API.
    """
    return boards() | promise.files("dashboards", create_app())


def boards() -> dict[Path, str]:
    """Grafana's dashboards."""
    return {
        Path("dashboards") / "grafana" / f"{name}.json": grafana.dashboard(name, panels)
        for name, panels in catalogue.dashboards().items()
    }
