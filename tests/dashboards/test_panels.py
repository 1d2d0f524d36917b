"""A panel is its file: every file of the repository is read here, a new one unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts import panels
from contracts.errors import Misconfigured, Rejected
from contracts.panels import Panel
from core_lms.analytics.panels import panel as of_the_lms
from dashboards import catalogue, generate

PANELS = [panel for panels in catalogue.dashboards().values() for panel in panels]
EVERY_PANEL = pytest.mark.parametrize(
    "panel", PANELS, ids=lambda panel: f"{panel.dashboard}/{panel.name}"
)
GOOD = """\
-- title: Active learners
-- question: Who is learning right now?
-- picture: stat
-- unit: learners
-- empty: Nobody yet. Run ./learnstream demo
-- label today: today, UTC
-- order: 3
SELECT 1 AS today;
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "some.sql"
    path.write_text(text, encoding="utf-8")
    return path


@EVERY_PANEL
def test_a_panel_says_what_it_shows_and_what_to_do_when_it_is_empty(panel: Panel) -> None:
    assert panel.question.endswith("?"), "the question that a person reads it for"
    assert panel.empty.endswith((".", "demo", "study")), "a sentence, or the command to run"
    assert len(panel.title) <= 40
    assert panel.size in (3, 4, 6, 8, 12), "widths that the page's grid has"


@EVERY_PANEL
def test_the_sql_of_a_panel_runs_as_it_stands(panel: Panel) -> None:
    assert "$__" not in panel.sql, "a Grafana macro is not SQL"
    assert "%(" not in panel.sql, "a placeholder of a driver is not SQL"
    assert panel.sql.rstrip().endswith(";")
    path = catalogue.FOLDER / panel.dashboard / f"{panel.name}.sql"
    assert panel.sql == path.read_text(encoding="utf-8")


@EVERY_PANEL
def test_a_panel_is_one_file_in_every_place_that_shows_it(panel: Panel) -> None:
    """The pages, Grafana and the LMS read the folder: nothing lists the panels."""
    folder = catalogue.FOLDER
    assert panel in catalogue.dashboard(panel.dashboard)
    assert panel == of_the_lms(folder, panel.dashboard, panel.name)
    made = generate.generate()[Path("dashboards/grafana") / f"{panel.dashboard}.json"]
    assert json.dumps(panel.title, ensure_ascii=False) in made


def test_there_is_an_overview_in_its_order() -> None:
    names = [panel.name for panel in catalogue.dashboard("overview")]
    assert names[:3] == ["active_learners", "freshness", "enrollment_status"]
    assert len(names) >= 6


def test_a_header_is_read_whole(tmp_path: Path) -> None:
    panel = panels.read(written(tmp_path, GOOD))
    assert (panel.dashboard, panel.name) == (tmp_path.name, "some")
    assert (panel.title, panel.picture, panel.order) == ("Active learners", "stat", 3)
    assert panel.labels == {"today": "today, UTC"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("-- unit: learners\n", ""), "lacks unit"),
        (("picture: stat", "picture: pie"), "picture is one of"),
        (("unit: learners", "unit: parsecs"), "unit 'parsecs'"),
        (("-- order: 3", "-- order: first"), "order is a whole number"),
        (("-- order: 3", "-- size: 13"), "size is a whole number, 1 to 12"),
        (("-- order: 3", "-- colour: red"), "knows no 'colour'"),
        (("-- order: 3", "-- order 3"), "is not `-- name: value`"),
        (("-- order: 3", "-- title today: x"), "knows no 'title today'"),
        (("picture: stat", "picture: columns"), "`series`"),
    ],
)
def test_a_wrong_header_names_the_file_and_the_fault(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        panels.read(written(tmp_path, GOOD.replace(*change)))
    assert complaint in str(caught.value)
    assert "some.sql" in str(caught.value)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(Rejected, match=r"there is .*overview"):
        catalogue.dashboard("nowhere")
    with pytest.raises(Rejected, match="it has active_learners, freshness"):
        catalogue.panel("overview", "nothing")
