"""The generated Grafana dashboards: complete, unchanged SQL, a layout that fits."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import yaml

from dashboards import catalogue, generate, grafana
from stack.profile import REPOSITORY

GENERATED = {str(path): text for path, text in generate.boards().items()}


@pytest.mark.parametrize("path", GENERATED)
def test_the_stored_dashboard_is_what_the_panels_say(path: str) -> None:
    stored = (REPOSITORY / path).read_text(encoding="utf-8")
    assert stored == GENERATED[path], "run ./learnstream generate"


@pytest.fixture(params=list(GENERATED))
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GENERATED[request.param])
    return found


def test_every_panel_is_there_with_its_sql_untouched(dashboard: dict[str, Any]) -> None:
    name = dashboard["uid"].removeprefix("learnstream-")
    panels = catalogue.dashboard(name)
    assert [one["title"] for one in dashboard["panels"]] == [panel.title for panel in panels]
    for one, panel in zip(dashboard["panels"], panels, strict=True):
        (target,) = one["targets"]
        assert target["rawSql"] == panel.sql
        assert target["datasource"] == one["datasource"] == grafana.DATASOURCE
        assert panel.question in one["description"]


def test_panels_lie_within_the_page_and_not_on_each_other(dashboard: dict[str, Any]) -> None:
    places = [one["gridPos"] for one in dashboard["panels"]]
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in places)
    for a, b in itertools.combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (a, b)
    assert len({one["id"] for one in dashboard["panels"]}) == len(places)


def test_grafana_is_told_where_the_dashboards_and_their_data_are() -> None:
    folder = REPOSITORY / "dashboards" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "analytics.yaml").read_text())[
        "datasources"
    ]
    assert {"type": source["type"], "uid": source["uid"]} == grafana.DATASOURCE
    assert source["secureJsonData"]["password"].startswith("$"), "a secret comes from outside"
    (provider,) = yaml.safe_load((folder / "dashboards" / "learnstream.yaml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
