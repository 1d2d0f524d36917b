"""verify finds everything equal, and names the first difference after tampering with each store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg.types.json import Jsonb

from contracts.envelope import decode, wrap
from contracts.events.content import ContentViewed
from contracts.ids import named_id, new_id
from imports.oulad import history
from imports.oulad.service import import_oulad
from imports.oulad.source import locate, opened
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.verify.checks import Check, first_difference
from pipelines.verify.reconcile import Reconciliation, verify
from stack import kafka
from stack.postgres import connect_analytics, connect_lms
from stack.profile import Profile
from tests.imports.oulad_files import write
from tests.pipelines import batch
from tests.pipelines.pushed import push


def tables(left: str, right: str) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    for name, values in (("l", left), ("r", right)):
        db.execute(f"CREATE TABLE {name} (kind VARCHAR, events BIGINT)")
        if values:
            db.execute(f"INSERT INTO {name} VALUES {values}")
    return db


def test_equal_tables_have_no_difference_in_whatever_order() -> None:
    db = tables("('a', 1), ('b', 2), (NULL, 3)", "(NULL, 3), ('b', 2), ('a', 1)")
    assert first_difference(db, Check("things", "l", "r")) is None


@pytest.mark.parametrize(
    ("right", "key", "values"),
    [
        ("('a', 1), ('b', 3)", "b", ({"events": 2}, {"events": 3})),
        ("('a', 1)", "b", ({"events": 2}, None)),
        ("('a', 1), ('b', 2), ('c', 5)", "c", (None, {"events": 5})),
        ("", "a", ({"events": 1}, None)),
    ],
)
def test_the_first_difference_names_key_and_both_values(
    right: str, key: str, values: tuple
) -> None:
    found = first_difference(tables("('a', 1), ('b', 2)", right), Check("things", "l", "r"))
    assert found is not None
    assert found.key == {"kind": key}
    assert (found.left, found.right) == values
    assert f"kind {key}" in str(found)


@pytest.fixture(scope="module")
def institution(stack: Profile, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny OULAD in the LMS and Kafka, and what the pipeline would have made of it."""
    institution = new_id()
    folder = write(tmp_path_factory.mktemp("oulad"))
    import_oulad(folder, institution)
    archive(folder, institution)
    aggregate(institution)
    return institution


def aggregate(institution: str) -> None:
    """The tables of the streaming jobs, which do not run here: by their SQL, in batch."""
    with tempfile.TemporaryDirectory() as folder:
        batch.store(institution, Path(folder))


def relayed(institution: str) -> list[tuple[str, str]]:
    """Topic and message of the descriptions that waited in the outbox, published as the relay does,
    which does not run here."""
    with connect_lms(autocommit=True) as connection:
        rows = connection.execute(
            "DELETE FROM outbox WHERE message::json->>'institution_id' = %s "
            "AND message::json->>'event_type' LIKE '%%.described' "
            "RETURNING topic, key, message",
            [institution],
        ).fetchall()
    producer = kafka.producer()
    for topic, key, message in rows:
        producer.produce(topic, message.encode(), key)
    assert producer.flush(30) == 0
    return [(topic, message) for topic, _, message in rows]


def archive(folder: Path, institution: str) -> None:
    """Into the archive and what is derived from it, as their processes would do it."""
    with locate(folder) as source, opened(source) as db:
        history.map_history(db, institution)
        history.state_until(db, None)
        messages = db.execute("SELECT topic, value FROM message").fetchall()
    messages += relayed(institution)
    batch = Batch(at=datetime.now(UTC))  # a course is described when it is imported
    for topic, value in messages:
        batch.add(decode(topic, value.encode()))
    with closing(ArchiveTable()) as table, closing(Engine()) as engine:
        rebuild.begin(engine)
        table.store(batch, {})
        while engine.step():
            pass
        engine.refresh_due()
        push(engine)


@pytest.fixture(scope="module")
def reconciliation(institution: str) -> Iterator[Reconciliation]:
    with Reconciliation(institution) as opened:
        yield opened


@pytest.mark.integration
def test_everything_is_equal_and_the_report_has_the_totals(institution: str) -> None:
    report = verify(institution=institution)
    assert report.equal, report.difference
    assert report.totals["expected_content"] == {"events": 6, "clicks": 22}
    assert report.totals["content_day"] == {"events": 6, "clicks": 22}
    assert report.totals["lms_enrollments"] == {"events": 4}
    assert report.totals["kafka_submissions"] == {"events": 3}


ANALYTICS = {
    "content_day": "UPDATE course_activity_day SET clicks = clicks + 1 WHERE institution_id = %s",
    "content_hour": "UPDATE course_activity_hour SET events = events - 1 WHERE institution_id = %s",
    "content_minute": "DELETE FROM course_activity_minute WHERE institution_id = %s",
    "learner_day": "UPDATE learner_tiles SET clicks = clicks + 1 WHERE institution_id = %s",
    "archive": "DELETE FROM activity_events WHERE institution_id = %s "
    "AND event_type = 'assessment.graded'",
    "learner_days": "UPDATE learner_course_day SET time_on_task_ms = 1 WHERE institution_id = %s",
    "course_learners": "UPDATE course_learners_hour SET learners = learners + 1 "
    "WHERE institution_id = %s",
    "learner_sessions": "UPDATE sessions SET events = events + 1 WHERE institution_id = %s",
    "item_days": "UPDATE item_engagement SET learners = 0 WHERE institution_id = %s",
    "enrollment_moments": "UPDATE learner_course SET first_activity_at = NULL "
    "WHERE institution_id = %s",
    "funnel": "UPDATE enrollment_funnel_day SET enrolled = 7 WHERE institution_id = %s",
    "submissions": "DELETE FROM learner_submission WHERE institution_id = %s",
    "assessment_figures": "UPDATE assessment_stats SET late = 5 WHERE institution_id = %s",
}
LMS = {
    "enrollments_of_source": "UPDATE enrollments SET created_at = created_at + interval '1 day' "
    "WHERE institution_id = %s AND status = 'completed'",
    "submissions_of_source": "DELETE FROM submissions WHERE institution_id = %s",
    "kafka_enrollment_ends": "UPDATE enrollments SET status = 'enrolled' "
    "WHERE institution_id = %s AND status = 'dropped'",
    "kafka_grades": "UPDATE submissions SET score = NULL, graded_at = NULL "
    "WHERE institution_id = %s",
    "kafka_assessments": "UPDATE assessments SET kind = 'forged' WHERE institution_id = %s",
    "kafka_users": "UPDATE users SET institution_id = gen_random_uuid() WHERE institution_id = %s",
}


@pytest.fixture
def copies(institution: str) -> Iterator[None]:
    """What a test does to the databases is undone after it."""
    saved = []
    for connect, names in (
        (connect_analytics, ("course_activity_day", "course_activity_hour")),
        (connect_analytics, ("course_activity_minute", "learner_course_day", "activity_events")),
        (connect_analytics, ("course_learners_hour", "sessions", "item_engagement")),
        (connect_analytics, ("learner_course", "enrollment_funnel_day", "learner_submission")),
        (connect_analytics, ("assessment_stats", "learner_tiles")),
        (connect_lms, ("submissions", "enrollments", "assessments", "users")),
    ):
        with connect() as connection:
            for name in names:
                stored = ", ".join(
                    column
                    for (column,) in connection.execute(
                        "SELECT column_name::text FROM information_schema.columns "
                        "WHERE table_name = %s AND table_schema = 'public' "
                        "AND is_generated = 'NEVER'",
                        [name],
                    )
                )
                cursor = connection.execute(
                    f"SELECT {stored} FROM {name} WHERE institution_id = %s", [institution]
                )
                columns = [column.name for column in cursor.description or ()]
                saved.append((connect, name, columns, cursor.fetchall()))
    yield
    for connect, name, columns, found in saved:
        with connect() as connection:
            restore(connection, name, columns, found, institution)


def restore(
    connection: psycopg.Connection, name: str, columns: list[str], found: list, institution: str
) -> None:
    values = [[Jsonb(v) if isinstance(v, dict) else v for v in row] for row in found]
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        if name in ("users", "enrollments", "assessments"):  # others point at them
            sets = ", ".join(f"{column} = %s" for column in columns)
            for row in values:
                cursor.execute(
                    f"UPDATE {name} SET {sets} WHERE id = %s", [*row, row[columns.index("id")]]
                )
            return
        cursor.execute(f"DELETE FROM {name} WHERE institution_id = %s", [institution])
        cursor.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})", values)


@pytest.mark.integration
@pytest.mark.usefixtures("copies")
@pytest.mark.parametrize("table", ANALYTICS)
def test_a_changed_analytical_row_is_named(
    table: str, institution: str, reconciliation: Reconciliation
) -> None:
    with connect_analytics() as connection:
        assert connection.execute(ANALYTICS[table], [institution]).rowcount > 0
    found = reconciliation.compare().difference
    assert found is not None
    assert found.check.right == table
    assert found.key["institution_id"] == institution


@pytest.mark.integration
@pytest.mark.usefixtures("copies")
@pytest.mark.parametrize("table", LMS)
def test_a_changed_lms_row_is_named(
    table: str, institution: str, reconciliation: Reconciliation
) -> None:
    with connect_lms() as connection:
        assert connection.execute(LMS[table], [institution]).rowcount > 0
    found = reconciliation.compare().difference
    assert found is not None
    assert found.check.right == table


@pytest.mark.integration
def test_an_event_that_nobody_caused_and_one_sent_twice_are_named(
    institution: str, reconciliation: Reconciliation
) -> None:
    course = named_id(institution, "oulad", "course", "AAA", "2013J")
    event = wrap(
        ContentViewed(user_id=new_id(), course_id=course, item_id=new_id(), kind="resource"),
        institution_id=institution,
        source_service="forger",
        timestamp=datetime(2013, 10, 1, tzinfo=UTC),
    )
    producer = kafka.producer()
    producer.produce(event.topic, event.encode(), event.key)
    producer.flush(30)
    found = reconciliation.compare().difference
    assert found is not None
    assert found.check.right == "kafka_content"
    assert found.key == {
        "institution_id": institution,
        "course_id": course,
        "kind": "resource",
        "day": "2013-10-01",
    }
    assert (found.left, found.right) == (None, {"events": 1, "clicks": 1})

    producer.produce(event.topic, event.encode(), event.key)
    producer.flush(30)
    found = reconciliation.compare().difference
    assert found is not None
    assert found.check.right == "kafka_distinct_ids"
