"""The same panels as Grafana dashboards: each SQL file becomes one panel, its text untouched.

Written as plain JSON of Grafana's dashboard schema: a panel is a dozen settings per picture.
"""

from __future__ import annotations

import json
from typing import Any

from contracts.panels import SPAN_COLUMNS, Panel

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "analytics"}
"""Provisioned in ``grafana/provisioning/datasources``."""
_SCHEMA_VERSION = 39  # of Grafana 11; later ones migrate it on loading
_HEIGHT = 8
_UNITS = {"seconds": "s", "percent": "percent"}
_COUNT = "locale"  # digits in groups of three

_SHOWN = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "stat": (
        "stat",
        {"reduceOptions": _SHOWN, "textMode": "value_and_name", "graphMode": "none"},
    ),
    "timeseries": (
        "timeseries",
        {"legend": {"showLegend": False}, "tooltip": {"mode": "multi", "sort": "desc"}},
    ),
    "columns": (
        "barchart",
        {
            "stacking": "normal",
            "showValue": "never",
            "xTickLabelSpacing": 100,
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    ),
    "bars": (
        "barchart",
        {"orientation": "horizontal", "showValue": "always", "legend": {"showLegend": False}},
    ),
    "donut": (
        "piechart",
        {
            "pieType": "donut",
            "reduceOptions": {**_SHOWN, "values": True},
            "legend": {
                "showLegend": True,
                "displayMode": "table",
                "placement": "right",
                "values": ["value", "percent"],
            },
        },
    ),
    "table": ("table", {"showHeader": True}),
}


def dashboard(name: str, panels: list[Panel]) -> str:
    """The JSON text of one dashboard, its panels laid out row by row as on the page."""
    x, y, placed = 0, 0, []
    for number, panel in enumerate(panels, start=1):
        width = panel.size * 2  # Grafana's page has 24 columns
        if x + width > 24:
            x, y = 0, y + _HEIGHT
        place = {"x": x, "y": y, "w": width, "h": _HEIGHT}
        placed.append({"id": number, "gridPos": place, **_panel(panel)})
        x += width
    body = {
        "uid": f"learnstream-{name}",
        "title": f"Learnstream: {name.replace('_', ' ')}",
        "description": f"Generated from dashboards/{name}/*.sql by ./learnstream generate.",
        "tags": ["learnstream"],
        "timezone": "utc",
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "schemaVersion": _SCHEMA_VERSION,
        "annotations": {"list": []},
        "templating": {"list": []},
        "panels": placed,
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _panel(panel: Panel) -> dict[str, Any]:
    kind, options = _OPTIONS[panel.picture]
    series = panel.picture == "timeseries"
    return {
        "type": kind,
        "title": panel.title,
        "description": " ".join(filter(None, (panel.question, panel.note))),
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": "A",
                "datasource": DATASOURCE,
                "editorMode": "code",
                "rawQuery": True,
                "format": "time_series" if series else "table",
                "rawSql": panel.sql,
            }
        ],
        "options": options,
        "fieldConfig": {
            "defaults": {
                "unit": _UNITS.get(panel.unit, _COUNT),
                "noValue": panel.empty,
                "custom": {"fillOpacity": 12, "axisLabel": panel.unit} if series else {},
            },
            "overrides": [_override(panel, column) for column in _spoken_of(panel)],
        },
        "transformations": _transformations(panel),
    }


def _spoken_of(panel: Panel) -> list[str]:
    return sorted(panel.labels.keys() | panel.units.keys())


def _override(panel: Panel, column: str) -> dict[str, Any]:
    properties: list[dict[str, Any]] = []
    if column in panel.labels:
        properties.append({"id": "displayName", "value": panel.labels[column]})
    if column in panel.units:
        unit = _UNITS.get(panel.units[column], _COUNT)
        properties.append({"id": "unit", "value": unit})
    return {"matcher": {"id": "byName", "options": column}, "properties": properties}


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """Hide the captions; turn a column per day and series into a field per series."""
    hidden = {"excludeByName": dict.fromkeys(SPAN_COLUMNS, True)}
    steps: list[dict[str, Any]] = [{"id": "organize", "options": hidden}]
    if panel.picture == "columns":
        matrix = {
            "rowField": "day",
            "columnField": panel.series,
            "valueField": panel.unit,
            "emptyValue": "zero",
        }
        steps.append({"id": "groupingToMatrix", "options": matrix})
    return steps
