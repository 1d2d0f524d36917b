"""What people read: every view is explained, sums parts, and is all that readers name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from contracts.errors import Misconfigured
from pipelines import job as stream
from pipelines import schema
from pipelines.derive import job as derive
from pipelines.derive.tables import Table
from pipelines.views import catalogue as views
from pipelines.views.view import View, merge, of_table, read
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY, Profile

VIEWS = views.catalogue()
EVERY_VIEW = pytest.mark.parametrize("view", VIEWS.values(), ids=lambda view: view.name)
TABLES = [*stream.tables(), *derive.tables()]
STORED = {table.name for table in TABLES} | {
    name
    for path in schema.MIGRATIONS.glob("*.sql")
    for name in re.findall(
        r"CREATE (?:TABLE|(?:MATERIALIZED )?VIEW) (\w+)", path.read_text(encoding="utf-8")
    )
}
NEW = Table(
    "invented_tiles",
    "what was invented, per hour, in partial sums",
    """
    bucket_at timestamptz NOT NULL -- start of the hour (UTC)
    institution_id uuid NOT NULL
    course_id uuid NOT NULL
    part bigint NOT NULL
    views bigint NOT NULL
    watched_seconds double precision NOT NULL
    most_ahead_ms bigint NOT NULL -- (max) the most that an event was ahead
    first_at timestamptz NOT NULL
    last_at timestamptz NOT NULL
    """,
    key=("bucket_at", "institution_id", "course_id", "part"),
    time="bucket_at",
)


@EVERY_VIEW
def test_a_view_and_each_of_its_columns_are_explained(view: View) -> None:
    assert view.about
    assert view.source
    assert [name for name, shown in view.columns.items() if not shown.about] == []
    assert set(view.key) <= set(view.columns)


@EVERY_VIEW
def test_how_a_table_is_stored_shows_in_no_view(view: View) -> None:
    assert not {"part", "batch_no", "one"} & set(view.columns)


def test_every_table_of_a_job_has_a_view_and_a_queue_has_none() -> None:
    queues = set(derive.queues())
    assert {table.name for table in TABLES} - queues <= set(VIEWS)
    assert not queues & set(VIEWS)


def test_a_table_in_parts_is_read_in_sums_of_the_type_it_has() -> None:
    query = of_table(NEW, "job invented").sql
    assert query == (
        "SELECT bucket_at, institution_id, course_id, sum(views)::bigint AS views, "
        "sum(watched_seconds)::double precision AS watched_seconds, "
        "max(most_ahead_ms)::bigint AS most_ahead_ms, "
        "min(first_at)::timestamp with time zone AS first_at, "
        "max(last_at)::timestamp with time zone AS last_at "
        "FROM public.invented_tiles GROUP BY bucket_at, institution_id, course_id"
    )


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("events bigint NOT NULL", "sum"),
        ("score_sum numeric NOT NULL", "sum"),
        ("first_seen_at timestamptz", "min"),
        ("last_at timestamptz NOT NULL", "max"),
        ("highest bigint NOT NULL -- (max) the highest", "max"),
        ("seen_at timestamptz NOT NULL", None),
        ("learners bigint NOT NULL", None),
        ("mean_score numeric NOT NULL", None),
        ("score_max numeric NOT NULL", None),
        ("score numeric", None),
        ("source text NOT NULL", None),
        ("rate double precision GENERATED ALWAYS AS (a / b) STORED", None),
    ],
)
def test_parts_are_merged_by_a_rule_or_as_the_line_says(line: str, how: str | None) -> None:
    [(name, column)] = replace(NEW, declared=line).columns.items()
    assert merge(name, column) == how
    if how is None:
        odd = replace(NEW, declared=f"{NEW.declared.strip()}\n{line} -- something")
        with pytest.raises(Misconfigured, match=f"invented_tiles.{name}: write how its parts"):
            of_table(odd, "job invented")


def test_a_column_without_a_comment_is_refused(tmp_path: Path) -> None:
    odd = replace(NEW, declared=f"{NEW.declared.strip()}\nunheard_of bigint NOT NULL")
    with pytest.raises(Misconfigured, match=r"invented_tiles\.unheard_of has no comment"):
        of_table(odd, "job invented")
    path = tmp_path / "invented.sql"
    header = "-- about: a\n-- source: b\n-- key: course_id\n"
    path.write_text(f"{header}-- column unheard_of bigint:\nSELECT 1")
    with pytest.raises(Misconfigured, match=r"invented\.unheard_of has no comment"):
        read(path)
    path.write_text("-- about: a\nSELECT 1")
    with pytest.raises(Misconfigured, match="lacks key, source"):
        read(path)
    path.write_text(f"{header}-- columm course_id uuid: the course\nSELECT 1")
    with pytest.raises(Misconfigured, match="is no line of a view's header"):
        read(path)


def _named(text: str) -> set[str]:
    """What a statement reads, without its own subqueries."""
    text = re.sub(r"--.*", "", text)
    own = set(re.findall(r"(\w+) AS (?:MATERIALIZED )?\(", text))
    return set(re.findall(r"\b(?:FROM|JOIN)\s+([a-z_][\w.]*)\b(?!\()", text)) - own


def _readers() -> Iterator[Any]:
    """Every text that reads, and whether its reader's search_path leads to the views."""
    for path in sorted((REPOSITORY / "dashboards").glob("*/*.sql")):
        yield pytest.param(path.read_text(), True, id=f"{path.parent.name}/{path.name}")
    for path in sorted((REPOSITORY / "dashboards/grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield pytest.param(target["rawSql"], True, id=f"grafana {panel['title']}")
    learners = REPOSITORY / "core_lms/analytics/learners.sql"
    yield pytest.param(learners.read_text(), True, id="analytics API")
    for folder in ("models", "serving"):
        for path in sorted((REPOSITORY / folder).rglob("*.sql")):
            yield pytest.param(path.read_text(), False, id=f"{folder}/{path.name}")


@pytest.mark.parametrize(("text", "led"), list(_readers()))
def test_a_reader_names_views_and_no_stored_table(text: str, led: bool) -> None:
    for name in _named(text):
        assert not name.startswith("public."), name
        bare = name.removeprefix(f"{views.SCHEMA}.")
        if name != bare:
            assert bare in VIEWS
        elif name in STORED:
            assert led, f"write {views.SCHEMA}.{name}"
            assert name in VIEWS, f"{name} is no view: write pipelines/views/declared/{name}.sql"


@pytest.fixture(scope="module")
def url(stack: Profile) -> Iterator[str]:
    """A database of this module's own, with one more job than there is."""
    name = f"views_{uuid4().hex[:12]}"
    server = PostgresSettings().analytics_url
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    there = make_conninfo(server, dbname=name)
    more = stream.Job("invented", "what is invented", (), (NEW,))
    jobs = {**stream.catalogue(), "invented": more}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LMS_POSTGRES_ANALYTICS_URL", there)
            schema.prepare()
            patch.setattr(stream, "catalogue", lambda: jobs)
            views.catalogue.cache_clear()
            schema.prepare()
        views.catalogue.cache_clear()
        yield there
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.fixture
def owner(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Nothing stays of what a test writes."""
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


COLUMNS = """
SELECT attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = %s::regclass ORDER BY attnum
"""


@pytest.mark.integration
@EVERY_VIEW
def test_the_database_has_each_view_as_declared(owner: psycopg.Connection[Any], view: View) -> None:
    name = f"{views.SCHEMA}.{view.name}"
    found = owner.execute(COLUMNS, [name]).fetchall()
    assert found == [(one, shown.type, shown.comment) for one, shown in view.columns.items()]
    row = owner.execute("SELECT obj_description(%s::regclass)", [name]).fetchone()
    assert row == (view.comment,)
    owner.execute(f"SELECT * FROM {name} LIMIT 1".encode())


COURSES = [UUID(int=number) for number in range(1, 201)]
SCHOOL = UUID(int=7)
FILL = """
INSERT INTO invented_tiles
SELECT hour, %s, course, part, 1, 0.5, part, hour + part * INTERVAL '1 minute', hour + INTERVAL '9m'
FROM generate_series('2001-01-01'::timestamptz, '2001-01-10', '1 hour') AS hour,
     unnest(%s::uuid[]) AS course, generate_series(1, 2) AS part
"""


@pytest.mark.integration
def test_a_table_that_is_declared_later_has_its_view_unasked(
    owner: psycopg.Connection[Any],
) -> None:
    owner.execute(FILL, [SCHOOL, COURSES[:2]])
    owner.execute("SET LOCAL TIME ZONE 'UTC'")
    rows = owner.execute(
        "SELECT views, watched_seconds, most_ahead_ms, first_at::text, last_at::text "
        "FROM analytics.invented_tiles WHERE course_id = %s ORDER BY bucket_at LIMIT 1",
        COURSES[:1],
    ).fetchall()
    assert rows == [(2, 1.0, 2, "2001-01-01 00:01:00+00", "2001-01-01 00:09:00+00")]
    kept = owner.execute("SELECT count(*) FROM invented_tiles").fetchone()
    shown = owner.execute("SELECT count(*) FROM analytics.invented_tiles").fetchone()
    assert kept == (2 * 2 * 217,)
    assert shown == (2 * 217,)
    assert owner.execute(
        "SELECT to_regclass('seen_courses.invented_tiles') IS NOT NULL, "
        "to_regclass('seen_learner.invented_tiles') IS NULL"
    ).fetchone() == (True, True)


@pytest.mark.integration
def test_a_course_s_rows_are_summed_without_those_of_the_others(
    owner: psycopg.Connection[Any],
) -> None:
    """A filter above the sums would read the whole table for each teacher's panel."""
    owner.execute(FILL, [SCHOOL, COURSES])
    owner.execute("ANALYZE invented_tiles")
    owner.execute(
        "SELECT set_config('learnstream.institution_id', %s, true), "
        "set_config('learnstream.course_ids', %s, true)",
        [str(SCHOOL), f"{{{COURSES[3]}}}"],
    )
    row = owner.execute(
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT sum(views) FROM seen_courses.invented_tiles "
        "WHERE bucket_at >= '2001-01-09'"
    ).fetchone()
    assert row is not None
    nodes = list(_nodes(row[0][0]["Plan"]))
    grouped = [node for node in nodes if "Group Key" in node]
    assert grouped, "parts are summed"
    for node in grouped:
        [below] = [one for one in node["Plans"] if one["Parent Relationship"] == "Outer"]
        assert below["Actual Rows"] * below["Actual Loops"] == 2 * 25, (
            "a day and an hour, two parts"
        )
    assert [
        node for node in nodes if node["Node Type"] == "Subquery Scan" and "Filter" in node
    ] == []


ITEM_DAY = """
INSERT INTO item_engagement
    (bucket_at, institution_id, course_id, item_id, kind, learners, finishers)
VALUES (%(day)s, %(school)s, %(course)s, %(item)s, 'page', 2, 1)
"""
ITEM_HOUR = """
INSERT INTO item_tiles
SELECT %(school)s, %(course)s, %(item)s, %(day)s::timestamptz + hour * INTERVAL '1 hour', part,
        4, 3, 5, 1, 0, 0, now(), now()
FROM unnest(ARRAY[-1, 0, 23, 24]) AS hour, generate_series(1, 2) AS part
"""


@pytest.mark.integration
def test_a_derived_row_is_shown_with_flink_s_sums_of_its_span(
    owner: psycopg.Connection[Any],
) -> None:
    """And who does not read them does not read Flink's table."""
    item, other = (UUID(int=number) for number in (91, 92))
    # Midnight of UTC, where a day of the session's time zone has 23 hours.
    owner.execute("SET LOCAL TIME ZONE 'Europe/Paris'")
    place = {"day": "2001-03-25T00:00:00Z", "school": SCHOOL, "course": COURSES[0]}
    for values in ({**place, "item": item}, {**place, "item": other}):
        owner.execute(ITEM_DAY, values)
    owner.execute(ITEM_HOUR, {**place, "item": item})
    owner.execute(
        "SELECT set_config('learnstream.institution_id', %s, true), "
        "set_config('learnstream.course_ids', %s, true)",
        [str(SCHOOL), f"{{{COURSES[0]}}}"],
    )
    assert owner.execute(
        "SELECT item_id, learners, views, clicks, completions FROM seen_courses.item_engagement "
        "ORDER BY item_id"
    ).fetchall() == [(item, 2, 12, 20, 4), (other, 2, 0, 0, 0)]

    def plan(columns: str) -> str:
        query = f"EXPLAIN SELECT {columns} FROM seen_courses.item_engagement"
        return str(owner.execute(query.encode()).fetchall())

    assert "item_tiles" in plan("sum(views)")
    assert "item_tiles" not in plan("sum(learners)")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


@pytest.mark.integration
def test_making_the_same_views_again_disturbs_nobody(owner: psycopg.Connection[Any]) -> None:
    assert views.make(owner) is True, "the invented job is declared no more"
    assert views.make(owner) is False
