"""The page of lineage has all that is declared, and says where it comes from."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from contracts import feature_views
from contracts.event import EVENTS
from contracts.lineage import Edge, Node, events_of, sources
from contracts.tiles import COURSE_TABLES
from dashboards import catalogue as dashboards
from dashboards import lineage as of_dashboards
from features import catalogue as features
from features import lineage as of_features
from features import windowed
from pipelines import job as stream
from pipelines.derive import job as derive
from stack import lineage_page
from stack.lineage_page import Lineage
from stack.profile import REPOSITORY

PAGE = (REPOSITORY / "docs" / "generated" / "lineage.md").read_text(encoding="utf-8")
PANELS = [
    f"{panel.dashboard}/{panel.name}" for one in dashboards.dashboards().values() for panel in one
]
VIEWS = {
    **{name: list(view.features) for name, view in features.VIEWS.items()},
    **{name: list(view.features) for name, view in features.WINDOW_VIEWS.items()},
}
JOBS = {**stream.catalogue(), **derive.catalogue()}


@cache
def lineage() -> Lineage:
    return lineage_page.read()


def of(kind: str, nodes: set[Node]) -> set[str]:
    return {node.name for node in nodes if node.kind == kind}


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_comes_from_tables_that_are_made_somewhere(panel: str) -> None:
    before = lineage().before(Node("panel", panel))
    assert of("table", before)
    assert of("job", before)
    assert f"\n| `{panel}` | `" in PAGE


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_comes_from_events_through_jobs_and_has_its_features(view: str) -> None:
    before = lineage().before(Node("feature view", view))
    assert of("event", before)
    assert of("job", before)
    assert of("table", before)
    for feature in VIEWS[view]:
        assert f"\n| `{view}:{feature}` | " in PAGE


@pytest.mark.parametrize("job", JOBS)
def test_every_job_comes_from_events(job: str) -> None:
    assert of("event", lineage().before(Node("job", job)))


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_on_the_page(event: str) -> None:
    assert f"\n| `{event}` | `{EVENTS[event].TOPIC.name}` | " in PAGE


def test_an_event_leads_over_job_and_tile_to_the_model_and_to_what_its_offers_become() -> None:
    after = lineage().after(Node("event", "content.viewed"))
    assert {"learner_tiles", "item_tiles"} <= of("job", after) & of("table", after)
    assert "learner_windows" in of("feature view", after)
    assert "recommender" in of("model", after)
    offers = lineage().made_from(Node("model", "recommender"))
    assert Node("event", "recommendation.shown") in offers
    assert "teaching/offers" in of("panel", lineage().after(Node("event", "recommendation.shown")))


def test_a_job_is_made_from_the_events_that_it_names_and_no_others() -> None:
    of_tiles = of("event", lineage().before(Node("job", "learner_tiles")))
    assert {"assessment.graded", "content.viewed"} <= of_tiles
    assert not {"assessment.created", "enrollment.created", "recommendation.shown"} & of_tiles
    assert of("event", lineage().before(Node("job", "video_heat"))) == {"video.watched"}
    relative = of("event", lineage().before(Node("feature view", "learner_course_relative")))
    assert {"assessment.updated", "enrollment.dropped", "assessment.submitted"} <= relative


def test_what_is_asked_of_courses_reads_the_tables_that_are_declared_for_it() -> None:
    sql = (REPOSITORY / "features" / "sql" / "course_now.sql").read_text(encoding="utf-8")
    derived = {table.name for table in derive.tables()}
    assert {node.name for node in sources(sql)} & derived == set(COURSE_TABLES)


def test_what_a_model_reads_leads_to_it_and_what_it_does_not_read_does_not() -> None:
    for service in features.SERVICES:
        read = {f"{view}:{name}" for view, names in service.reads.items() for name in names}
        model = Node("model", service.name)
        assert of("feature", lineage().before(model)) == read


def joined(*more: Edge) -> Lineage:
    return Lineage([*lineage().edges, *more])


def test_a_new_view_and_a_new_panel_appear(tmp_path: Path) -> None:
    text = (feature_views.FOLDER / "item_windows.toml").read_text(encoding="utf-8")
    path = tmp_path / "item_tries.toml"
    path.write_text(text, encoding="utf-8")
    panel = replace(dashboards.panel("overview", "history"), name="brand_new")
    found = joined(*of_features.edges([], [windowed.read(path)]), *of_dashboards.edges([panel]))
    page = lineage_page.page(found)
    feature = next(iter(windowed.read(path).features))
    assert "\n| `item_tries` | `item_tiles` | `item_tiles` | " in page
    assert f"\n| `item_tries:{feature}` | " in page
    assert "\n| `overview/brand_new` | `course_activity_day` | `course_activity` | " in page
    assert "item_tries" not in PAGE


def test_a_query_reads_its_tables_and_of_the_archive_what_it_names() -> None:
    sql = """
    -- FROM a_comment
    WITH some AS (SELECT * FROM analytics.item_tiles JOIN item_dim USING (item_id))
    SELECT * FROM some
    """
    assert [node.name for node in sources(sql)] == ["item_tiles", "item_dim", "some"]
    archive = "SELECT count(*) FROM activity_events WHERE event_type = 'course.completed'"
    assert list(sources(archive)) == [
        Node("table", "activity_events"),
        Node("event", "course.completed"),
    ]
    graded = events_of("event_type LIKE 'assessment.%%'")
    assert {node.name for node in graded} == {
        one for one in EVENTS if one.startswith("assessment.")
    }
    assert len(events_of("SELECT 1")) == len(EVENTS)
