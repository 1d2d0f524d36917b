"""What the panels generate: one Grafana dashboard per folder of panels."""

from __future__ import annotations

from pathlib import Path

from dashboards import catalogue, grafana


def generate() -> dict[Path, str]:
    """Text of every generated file by repository-relative path."""
    return {
        Path("dashboards") / "grafana" / f"{name}.json": grafana.dashboard(name, panels)
        for name, panels in catalogue.dashboards().items()
    }
