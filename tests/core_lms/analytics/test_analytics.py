"""Dashboards over the API: every panel, and whose rows it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import errors

from contracts.errors import Misconfigured
from contracts.ids import new_id
from core_lms.analytics.panels import dashboards
from core_lms.app import create_app
from stack.postgres import PostgresSettings, connect_analytics
from stack.profile import REPOSITORY

pytestmark = pytest.mark.integration

FOUND = dashboards(REPOSITORY / "dashboards")
EVERY_PANEL = pytest.mark.parametrize(
    "path", [f"{name}/panels/{panel}" for name, panels in FOUND.items() for panel in panels]
)
HEADER = """\
-- title: Who did what
-- question: Who did what?
-- picture: table
-- unit: events
-- empty: Nothing.
"""
PANELS = {
    "rows": "SELECT user_id, course_id FROM activity_events ORDER BY user_id, course_id;",
    "buckets": "SELECT course_id, events FROM course_activity_day ORDER BY course_id;",
    "learners": "SELECT user_id, events FROM learner_course_day ORDER BY user_id;",
    "all": "SELECT count(*) AS events FROM activity_events;",
    "around": "SELECT count(*) AS events FROM public.activity_events;",
    "offsets": "SELECT * FROM archive_offsets;",
    "slow": "SELECT pg_sleep(30);",
    "long": "SELECT generate_series(1, 12) AS number, 1.5 AS half, now() AS until_at;",
}


@dataclass
class School:
    """Two teachers with a course each, two learners, and what they did."""

    lms: Any
    teachers: list[str] = field(default_factory=list)
    courses: list[str] = field(default_factory=list)
    learners: list[str] = field(default_factory=list)

    def ask(self, who: Any, panel: str, **params: Any) -> Any:
        return who.get(f"/analytics/dashboards/own/panels/{panel}", **params)

    def rows(self, who: Any, panel: str, **params: Any) -> list[list[Any]]:
        answer = self.ask(who, panel, **params)
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        return rows

    def pairs(self, learners: list[str], courses: list[str]) -> list[list[str]]:
        return sorted([learner, course] for learner in learners for course in courses)


@pytest.fixture(scope="module")
def own_panels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panels")
    (folder / "own").mkdir()
    for name, sql in PANELS.items():
        (folder / "own" / f"{name}.sql").write_text(f"{HEADER}{sql}\n")
    return folder


@pytest.fixture
def school(lms: Any, own_panels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[School]:
    monkeypatch.setenv("LMS_ANALYTICS_PANELS", str(own_panels))
    school = School(lms)
    for _ in range(2):
        course_id = lms.course()
        school.courses.append(course_id)
        school.teachers.append(lms.get(f"/courses/{course_id}").json()["instructor_id"])
        school.learners.append(lms.user())
    elsewhere = [(new_id(), new_id(), new_id())]
    here = [
        (lms.institution_id, learner, course)
        for learner in school.learners
        for course in school.courses
    ]
    with connect_analytics() as database:
        for institution, learner, course in here + elsewhere:
            ids = {"institution": institution, "learner": learner, "course": course}
            for statement in ROWS:
                database.execute(statement, {**ids, "event": new_id(), "item": new_id()})
    yield school
    # Nobody emitted of these events: others compare the tables with what was emitted.
    with connect_analytics() as database:
        for institution in {lms.institution_id, elsewhere[0][0]}:
            for table in (
                *("activity_events", "course_activity_day", "learner_course_day"),
                "learner_tiles",
            ):
                database.execute(f"DELETE FROM {table} WHERE institution_id = %s", (institution,))


ROWS = (
    "INSERT INTO activity_events (event_id, event_type, topic, timestamp, institution_id, user_id,"
    " course_id, item_id, kind, clicks, source_service, schema_version, payload, received_at)"
    " VALUES (%(event)s, 'content.viewed', 'lms.content.events', now(), %(institution)s,"
    " %(learner)s, %(course)s, %(item)s, 'page', 1, 'test', 1, '{}', now())",
    "INSERT INTO course_activity_day (bucket_at, institution_id, course_id, kind, events, clicks)"
    " VALUES (date_trunc('day', now()), %(institution)s, %(course)s, 'page', 1, 1)"
    " ON CONFLICT (bucket_at, institution_id, course_id, kind, part)"
    " DO UPDATE SET events = course_activity_day.events + 1",
    "INSERT INTO learner_course_day (bucket_at, institution_id, course_id, user_id)"
    " VALUES (date_trunc('day', now()), %(institution)s, %(course)s, %(learner)s)",
    # Flink's sums of that day, which its view has beside what is derived.
    "INSERT INTO learner_tiles (institution_id, user_id, course_id, hour_at, part, events, clicks,"
    " clicks_page, clicks_video, clicks_quiz, clicks_forum, clicks_resource, views, completions,"
    " downloads, posts, plays, watched_s, submissions, timed, late, graded, score_sum)"
    " VALUES (%(institution)s, %(learner)s, %(course)s, date_trunc('hour', now()), 1, 1, 1, 1, 0,"
    " 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
)


def test_an_administrator_sees_the_institution_and_nothing_beyond_it(school: School) -> None:
    admin = school.lms.person(school.lms.user("admin"), "admin@institution")
    everything = school.pairs(school.learners, school.courses)
    assert school.rows(admin, "rows") == everything
    assert school.rows(school.lms, "rows") == everything, "a machine's key says analytics.read"
    assert school.rows(admin, "buckets") == [[course, 2] for course in sorted(school.courses)]
    elsewhere = school.lms.elsewhere()
    assert school.rows(elsewhere, "rows") == []


def test_a_teacher_sees_the_courses_they_teach_only(school: School) -> None:
    for teacher, course in zip(school.teachers, school.courses, strict=True):
        who = school.lms.person(teacher, "instructor@institution")
        assert school.rows(who, "rows") == school.pairs(school.learners, [course])
        assert school.rows(who, "buckets") == [[course, 2]]
        assert school.ask(who, "rows", scope="institution").status_code == 403


def test_a_learner_sees_themselves_only(school: School) -> None:
    for learner in school.learners:
        who = school.lms.person(learner)
        assert school.rows(who, "rows") == school.pairs([learner], school.courses)
        assert school.rows(who, "learners") == [[learner, 1], [learner, 1]]
        for scope in ("institution", "courses"):
            assert school.ask(who, "rows", scope=scope).status_code == 403


def test_a_panel_that_cannot_be_narrowed_is_refused_not_filtered_too_little(school: School) -> None:
    teacher = school.lms.person(school.teachers[0], "instructor@institution")
    learner = school.lms.person(school.learners[0])
    for who, panel in (
        (learner, "buckets"),  # a course's total does not distinguish learners
        (learner, "around"),
        (teacher, "around"),
        (school.lms, "around"),
        (school.lms, "offsets"),
    ):
        answer = school.ask(who, panel)
        assert answer.status_code == 403, panel
        assert "cannot be narrowed" in answer.json()["detail"]


def test_all_tenants_at_once_are_the_installation_s_administrators_only(school: School) -> None:
    chief = school.lms.person(school.lms.user("admin"), "admin@global")
    everything = school.rows(chief, "all", scope="installation")
    with connect_analytics() as database:
        counted = database.execute("SELECT count(*) FROM activity_events").fetchone()
    assert everything == [list(counted or ())]
    assert len(school.rows(chief, "rows")) == 4, "unless it is asked for, the institution"
    admin = school.lms.person(school.lms.user("admin"), "admin@institution")
    for who in (admin, school.lms, school.lms.person(school.learners[0])):
        assert school.ask(who, "all", scope="installation").status_code == 403
    assert school.ask(chief, "around", scope="installation").status_code == 403, "a stored table"


def test_a_teacher_may_look_at_their_own_learning_too(school: School) -> None:
    teacher = school.lms.person(school.teachers[0], "instructor@institution")
    assert school.rows(teacher, "rows", scope="self") == []


def test_a_slow_panel_is_stopped_and_the_next_one_answers(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_ANALYTICS_TIMEOUT_S", "0.2")
    answer = school.ask(school.lms, "slow")
    assert answer.status_code == 503
    assert "0.2 s" in answer.json()["detail"]
    monkeypatch.delenv("LMS_ANALYTICS_TIMEOUT_S")
    assert len(school.rows(school.lms, "rows")) == 4


def test_an_answer_is_plain_json_with_its_span_apart_and_its_length_bounded(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_ANALYTICS_MOST_ROWS", "10")
    answer = school.ask(school.lms, "long").json()
    assert [column["name"] for column in answer["columns"]] == ["number", "half"]
    assert answer["rows"][0] == [1, 1.5]
    assert [column["unit"] for column in answer["columns"]] == ["events", "events"]
    assert (len(answer["rows"]), answer["truncated"]) == (10, True)
    assert answer["until_at"] is not None
    assert answer["since_at"] is None


def test_the_list_names_every_panel_and_where_its_data_is(lms: Any) -> None:
    listed = lms.person(lms.user()).get("/analytics/dashboards").json()["items"]
    names = {one["name"]: [panel["name"] for panel in one["panels"]] for one in listed}
    assert names == {name: list(panels) for name, panels in FOUND.items()}
    first = listed[0]["panels"][0]
    assert lms.get(first["data"].removeprefix("/api/v1")).json()["panel"] == first["name"]


@EVERY_PANEL
def test_every_panel_answers_for_the_installation_and_never_fails_for_less(
    lms: Any, path: str
) -> None:
    everything = lms.person(lms.user("admin"), "admin@global")
    answer = everything.get(f"/analytics/dashboards/{path}", scope="installation")
    assert answer.status_code == 200, answer.text
    for scope in ("institution", "courses", "self"):
        narrowed = lms.get(f"/analytics/dashboards/{path}", scope=scope)
        assert narrowed.status_code in (200, 403), narrowed.text
        if scope == "institution" and not path.startswith("operations/"):
            assert narrowed.status_code == 200, "its tables have institution_id"


@EVERY_PANEL
def test_a_panel_names_no_schema_and_sets_nothing(path: str) -> None:
    dashboard, _, name = path.split("/")
    sql = FOUND[dashboard][name].sql.lower()
    for word in ("public.", "analytics.", "seen_", "set_config", "set role", "set local", "dblink"):
        assert word not in sql


def test_an_unknown_name_says_which_there_are(lms: Any) -> None:
    answer = lms.get("/analytics/dashboards/nowhere/panels/active_learners")
    assert (answer.status_code, "overview" in answer.json()["detail"]) == (404, True)
    answer = lms.get("/analytics/dashboards/overview/panels/nothing")
    assert (answer.status_code, "active_learners" in answer.json()["detail"]) == (404, True)


def test_the_reader_s_login_reads_no_table_and_writes_nothing(stack: Any) -> None:
    with psycopg.connect(PostgresSettings().analyst_url) as connection:
        for statement, refusal in (
            ("SELECT * FROM activity_events", errors.InsufficientPrivilege),
            ("SELECT * FROM seen_institution.activity_events", errors.InsufficientPrivilege),
            ("SET ROLE operator", errors.InsufficientPrivilege),
            ("CREATE TABLE public.mine (id int)", errors.Error),
        ):
            with pytest.raises(refusal):
                connection.execute(statement)
            connection.rollback()
        connection.read_only = False
        connection.execute("SET LOCAL ROLE learnstream_seen_institution")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DELETE FROM seen_institution.activity_events")


def test_without_a_tenant_the_views_are_empty(school: School) -> None:
    with psycopg.connect(PostgresSettings().analyst_url) as connection:
        for schema in ("seen_institution", "seen_courses", "seen_learner"):
            connection.execute(f"SET LOCAL ROLE learnstream_{schema}".encode())
            row = connection.execute(f"SELECT count(*) FROM {schema}.activity_events".encode())
            assert row.fetchone() == (0,)


def test_while_the_analytical_database_is_away_the_rest_goes_on(
    lms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_POSTGRES_ANALYST_URL", "postgresql://nobody@127.0.0.1:9/analytics")
    monkeypatch.setenv("LMS_ANALYTICS_TIMEOUT_S", "0.5")
    with TestClient(create_app()) as away:
        there = type(lms)(away, lms.database, lms.institution_id)
        assert there.get("/analytics/dashboards/overview/panels/freshness").status_code == 503
        assert there.get("/analytics/dashboards").status_code == 200
        assert there.get("/courses").status_code == 200


def test_a_folder_without_panels_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_ANALYTICS_PANELS", str(tmp_path))
    with pytest.raises(Misconfigured, match="LMS_ANALYTICS_PANELS"), TestClient(create_app()):
        pass
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "half.sql").write_text("-- title: Half\nSELECT 1;\n")
    with pytest.raises(Misconfigured, match=r"half\.sql: the header lacks question"):
        dashboards(tmp_path)
