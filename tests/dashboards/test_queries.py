"""Every panel's query on real tables: empty ones, filled ones, and what the numbers mean."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from contracts.ids import named_id
from contracts.panels import SPAN_COLUMNS, Panel
from dashboards import catalogue
from pipelines import job as stream
from tests.dashboards.conftest import TITLE
from tests.logins import of

pytestmark = pytest.mark.integration

PANELS = [panel for panels in catalogue.dashboards().values() for panel in panels]
EVERY_PANEL = pytest.mark.parametrize(
    "panel", PANELS, ids=lambda panel: f"{panel.dashboard}/{panel.name}"
)


def ask(url: str, panel: Panel) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The SQL as it stands, as Grafana asks it."""
    with psycopg.connect(of("analyst", url)) as connection:
        cursor = connection.execute(panel.sql)  # type: ignore[call-overload]
        return [column.name for column in cursor.description], cursor.fetchall()


def shown(url: str, name: str, dashboard: str = "overview") -> list[dict[str, Any]]:
    columns, rows = ask(url, catalogue.panel(dashboard, name))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def is_number(values: list[Any]) -> bool:
    return any(value is not None for value in values) and all(
        value is None or isinstance(value, int | float) or hasattr(value, "as_integer_ratio")
        for value in values
    )


@EVERY_PANEL
def test_a_panel_of_empty_tables_has_its_columns_and_no_error(empty: str, panel: Panel) -> None:
    columns, rows = ask(empty, panel)
    assert set(panel.labels) <= set(columns), "a label speaks of a column that is there"
    assert set(panel.units) <= set(columns), "a unit speaks of a column that is there"
    if panel.picture == "stat":
        assert len(rows) == 1, "a number that is nought is still a number"
    if panel.picture in ("bars", "donut", "table", "columns"):
        assert rows == []


@EVERY_PANEL
def test_a_panel_names_no_learner(filled: str, panel: Panel) -> None:
    """Learner lists respect consent to `analytics` (core_lms/analytics/learners.py): no panel is
    one, so that whoever is in totals only is in none."""
    with psycopg.connect(filled) as connection:
        found = connection.execute("SELECT DISTINCT user_id::text FROM activity_events")
        learners = {row[0] for row in found if row[0] is not None}
    assert learners
    _, rows = ask(filled, panel)
    assert not learners & {str(value) for row in rows for value in row}


@EVERY_PANEL
def test_a_panel_gives_the_columns_its_picture_needs(filled: str, panel: Panel) -> None:
    columns, rows = ask(filled, panel)
    assert rows, "the filled tables hold something for every panel"
    values = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    numbers = [name for name in columns if is_number(values[name])]
    texts = [name for name in columns if name not in (*numbers, *SPAN_COLUMNS, "time", "day")]
    for name in set(SPAN_COLUMNS) & set(columns):
        assert len(set(values[name])) == 1, "a caption is the same in every row"
    match panel.picture:
        case "stat":
            assert len(rows) == 1
            assert numbers
            assert not texts
        case "timeseries":
            assert all(isinstance(moment, datetime) for moment in values["time"])
            assert values["time"] == sorted(values["time"])
            assert numbers
        case "columns":
            assert [date.fromisoformat(day) for day in values["day"]]
            assert values["day"] == sorted(values["day"])
            assert texts == [panel.series]
            assert numbers == [panel.unit], "the number is named as the unit"
        case "bars" | "donut":
            assert (len(texts), len(numbers)) == (1, 1)
            assert all(value >= 0 for value in values[numbers[0]])
        case _:
            assert columns


@EVERY_PANEL
def test_a_panel_reads_no_more_of_the_archive_than_it_must(filled: str, panel: Panel) -> None:
    """A bare scan of all rows of the archive is what makes a panel slow on millions of them."""
    text = panel.sql.lower()
    if "activity_events" in text:
        assert "timestamp >" in text or "topic = 'lms.enrollments.events'" in text


@EVERY_PANEL
def test_a_teacher_s_panel_sums_rows_of_their_courses_and_times_only(
    filled: str, panel: Panel
) -> None:
    """A condition that stays above a view's sums sums the whole table first: compare columns of the
    key with values, `bucket_at > (SELECT since_at …)`, and compute nothing on the way."""
    with psycopg.connect(filled) as connection:
        connection.execute("SELECT set_config('search_path', 'seen_courses, public', true)")
        try:
            row = connection.execute(f"EXPLAIN (FORMAT JSON) {panel.sql}".encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            pytest.skip("a view that this panel reads has no course_id")
    assert row is not None
    nodes = list(nodes_of(row[0][0]["Plan"]))
    kept_above = [
        node["Filter"]
        for node in nodes
        if node["Node Type"] == "Subquery Scan"
        and re.search(r"\w_at|_id|timestamp[^t]", node.get("Filter", ""))
    ]
    assert kept_above == []
    summed = re.compile("|".join(table.name for table in stream.tables()))
    for node in nodes:
        if summed.search(node.get("Index Name", "") or node.get("Relation Name", "")):
            said = (
                node.get("Index Cond", "") + node.get("Filter", "") + node.get("Recheck Cond", "")
            )
            assert "course_id" in said


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes_of(one)


def test_active_learners_are_counted_once_each(filled: str) -> None:
    (row,) = shown(filled, "active_learners")
    assert (row["last_15_minutes"], row["last_hour"]) == (2, 3)
    (row,) = shown(filled, "learners_by_day")
    assert row["newest_day"] in (2, 3)  # near midnight one of them was active yesterday
    assert datetime.now(UTC) - row["until_at"] < timedelta(days=1, hours=1)


def test_loaded_history_alone_shows_its_newest_day(rows: Any) -> None:
    learner, item, course = (UUID(named_id("history", n)) for n in range(3))
    day = datetime(2014, 6, 1, tzinfo=UTC)
    rows.view(learner, item, course, day, clicks=7)
    assert shown(rows.url, "active_learners") == [{"last_15_minutes": 0, "last_hour": 0}]
    (row,) = shown(rows.url, "learners_by_day")
    assert (row["today"], row["newest_day"]) == (0, 1)
    assert row["until_at"] == day
    (busiest,) = shown(rows.url, "busiest_items")
    assert busiest["item"] == str(item), "nobody described it"
    assert (busiest["clicks"], busiest["learners"]) == (7, 1)
    (kind,) = shown(rows.url, "activity_by_kind")
    assert (kind["kind"], kind["clicks"], kind["until_at"]) == ("video", 7, day)


def test_the_status_of_an_enrollment_is_its_newest_one(filled: str) -> None:
    found = {row["status"]: row["enrollments"] for row in shown(filled, "enrollment_status")}
    assert found == {"under way": 2, "completed": 1, "dropped": 1}


def test_every_minute_of_the_hour_is_there_also_the_empty_ones(filled: str) -> None:
    found = shown(filled, "events_per_minute")
    assert len(found) == 60
    steps = {b["time"] - a["time"] for a, b in itertools.pairwise(found)}
    assert steps == {timedelta(minutes=1)}
    assert sum(row["events"] for row in found) == 4


def test_freshness_is_the_time_from_recorded_to_stored(filled: str) -> None:
    (row,) = shown(filled, "freshness")
    assert row["p50_delay"] == pytest.approx(0.5, abs=0.002)
    assert row["p99_delay"] == pytest.approx(0.5, abs=0.002)
    assert 100 < row["newest_row_age"] < 600


def test_late_told_and_imported_events_do_not_make_the_pipeline_look_slow(rows: Any) -> None:
    about = {"user_id": uuid4(), "course_id": uuid4(), "item_id": uuid4(), "kind": "page"}
    for minutes, told_s, delay_s in ((1, 0.0, 2.0), (26, 1500.0, 3.0), (27, None, 1500.0)):
        at = rows.now - timedelta(minutes=minutes)
        late = {"told_s": told_s, "delay_s": delay_s}
        rows.event("content.viewed", "lms.content.events", at, **late, **about)
    (row,) = shown(rows.url, "freshness")
    assert row["p50_delay"] == pytest.approx(2.5, abs=0.01)
    assert row["p99_delay"] == pytest.approx(3.0, abs=0.02)
    assert row["newest_row_age"] == pytest.approx(60, abs=15)


def test_the_busiest_item_comes_first_with_its_learners(filled: str) -> None:
    first, second = shown(filled, "busiest_items")
    assert first["item"] == TITLE
    assert (first["learners"], first["clicks"]) == (3, 5)
    assert (second["learners"], second["clicks"]) == (1, 1)


def test_a_question_is_shown_by_how_its_prompt_begins(filled: str) -> None:
    (question,) = shown(filled, "questions", "teaching")
    assert (question["question"], question["first_tries"]) == ("What is the mean?", 5)


def test_a_click_counts_once_and_for_the_source_that_offered_it(filled: str) -> None:
    found = {row["source"]: row for row in shown(filled, "recommendations")}
    personal, popular = found["personal"], found["popular"]
    assert (personal["shown"], personal["clicked"], personal["click_rate"]) == (2, 1, 50)
    assert (popular["shown"], popular["clicked"], popular["click_rate"]) == (1, 0, 0)


def test_history_goes_by_day_with_the_many_small_courses_together(rows: Any) -> None:
    learner, item = UUID(named_id("h", "learner")), UUID(named_id("h", "item"))
    courses = [UUID(named_id("h", "course", n)) for n in range(7)]
    for number, course in enumerate(courses):
        for day in (1, 3):
            at = datetime(2014, 6, day, tzinfo=UTC)
            rows.view(learner, item, course, at, clicks=number + 1)
    found = shown(rows.url, "history")
    assert {row["day"] for row in found} == {"2014-06-01", "2014-06-03"}
    first = {row["course_id"]: row["clicks"] for row in found if row["day"] == "2014-06-01"}
    assert first == {**{str(courses[n]): n + 1 for n in range(2, 7)}, "other courses": 1 + 2}


def test_a_future_event_moves_no_panel(rows: Any) -> None:
    learner, item, course = (UUID(named_id("future", n)) for n in range(3))
    rows.view(learner, item, course, rows.now - timedelta(minutes=1))
    rows.view(learner, item, course, rows.now + timedelta(days=400), clicks=1000)
    assert shown(rows.url, "active_learners")[0]["last_15_minutes"] == 1
    assert [row["clicks"] for row in shown(rows.url, "busiest_items")] == [1]
    assert [row["clicks"] for row in shown(rows.url, "activity_by_kind")] == [1]
    assert [row["clicks"] for row in shown(rows.url, "history")] == [1]
