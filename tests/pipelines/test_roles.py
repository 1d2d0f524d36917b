"""Each process comes into the analytical database as itself and does what it is there for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from contracts.envelope import wrap
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from contracts.tiles import COURSE_TABLES, TABLES
from contracts.topics import CONTENT
from pipelines import readers, retention, schema
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import job as derive
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.features import QUEUES
from pipelines.job import catalogue
from pipelines.views import catalogue as views
from stack.postgres import PostgresSettings
from stack.principals import PRINCIPALS, password
from stack.profile import Profile
from tests.logins import of, rights, tried

pytestmark = pytest.mark.integration

DONE, REFUSED, NO_WAY_IN = "done", "refused", "no way in"
EVENT = (
    "INSERT INTO activity_events (event_id, event_type, topic, timestamp, institution_id, "
    "source_service, schema_version, payload, received_at) VALUES (gen_random_uuid(), 'x', 't', "
    "'2001-02-03', gen_random_uuid(), 's', 1, '{}', now())"
)
BUCKET = (
    "INSERT INTO course_activity_day VALUES ('2001-02-03', gen_random_uuid(), gen_random_uuid(), "
    "'k', 1, 1, 0) ON CONFLICT (bucket_at, institution_id, course_id, kind, part) "
    "DO UPDATE SET events = excluded.events"
)
AS_INSTALLATION = "SET ROLE learnstream_seen_installation"
PROBES = [
    # Events come in by the archive alone, a new chunk with them, and nobody changes one.
    ("archive", EVENT, DONE),
    *((name, EVENT, REFUSED) for name in PRINCIPALS if name in readers.ROLES and name != "archive"),
    ("archive", "UPDATE activity_events SET payload = '{}'", REFUSED),
    ("archive", "DELETE FROM activity_events", REFUSED),
    ("derive", "DELETE FROM activity_events", REFUSED),
    ("archive", "CREATE TEMP TABLE arrived (LIKE activity_events)", DONE),
    ("archive", "SELECT * FROM sessions", REFUSED),
    ("archive", "SELECT * FROM features.consent", REFUSED),
    # What is derived is written by the derivation, what is summed by Flink.
    ("derive", "SELECT payload FROM activity_events", DONE),
    ("derive", "DELETE FROM sessions", DONE),
    ("derive", "UPDATE derive_position SET done_batch_no = done_batch_no", DONE),
    ("derive", "UPDATE archive_kept SET days = days", DONE),
    ("derive", "UPDATE archive_kept SET begins_at = now()", REFUSED),
    ("derive", "SELECT retain_archive()", DONE),
    ("derive", "SELECT drop_chunks('activity_events', now())", REFUSED),
    ("derive", BUCKET, REFUSED),
    ("derive", "CREATE TABLE mine (id int)", REFUSED),
    ("flink", BUCKET, DONE),
    ("flink", "SELECT * FROM activity_events", REFUSED),
    ("flink", "DELETE FROM sessions", REFUSED),
    # Live counters begin with sums and last moments.
    ("live", "SELECT events FROM course_activity_minute", DONE),
    ("live", "SELECT last_at FROM learner_tiles", DONE),
    ("live", "SELECT user_id FROM activity_events", REFUSED),
    ("live", BUCKET, REFUSED),
    # How far everybody is, not what events say.
    ("monitor", "SELECT event_id, timestamp, received_at FROM activity_events", DONE),
    ("monitor", "SELECT user_id FROM activity_events", REFUSED),
    ("monitor", "SELECT payload FROM activity_events", REFUSED),
    ("monitor", "INSERT INTO commit_to_row VALUES (now(), 1, 1)", DONE),
    ("monitor", "UPDATE archive_offsets SET next_offset = 0", REFUSED),
    ("monitor", "SELECT retain_archive()", REFUSED),
    # What is known about the jobs only the operator writes.
    ("monitor", "SELECT * FROM stream_application", DONE),
    ("monitor", "UPDATE stream_application SET wanted = NULL", REFUSED),
    ("flink", "SELECT * FROM job_starts", REFUSED),
    ("derive", "DELETE FROM job_starts", REFUSED),
    # Who shows reads, whatever it says of itself.
    *((name, "SELECT payload FROM activity_events", DONE) for name in ("analyst", "reader")),
    *((name, "DELETE FROM sessions", REFUSED) for name in ("analyst", "reader")),
    # Grafana reads views and no stored table.
    ("analyst", "SELECT * FROM public.course_activity_day", REFUSED),
    ("analyst", "SELECT * FROM archive_marks", REFUSED),
    ("analyst", "SELECT events FROM analytics.course_activity_day", DONE),
    ("reader", "SELECT part FROM public.course_activity_day", DONE),
    ("analyst", "SELECT * FROM features.consent", REFUSED),
    *(
        (name, "SET TRANSACTION READ WRITE; DELETE FROM sessions", REFUSED)
        for name in ("analyst", "lms", "reader")
    ),
    ("analyst", AS_INSTALLATION, REFUSED),
    # Whoever is erased is moved by the inbox, by a function; what comes later, under the new id.
    ("inbox", "SELECT forget_erasures(now() - INTERVAL '9 years')", DONE),
    ("inbox", "SELECT * FROM activity_events", DONE),
    ("inbox", "UPDATE activity_events SET user_id = NULL", REFUSED),
    ("archive", "SELECT * FROM erasures", DONE),
    ("features", "SELECT * FROM erasures", DONE),
    # A Redis that was lost is filled from the history of tiles.
    ("features", "SELECT sum(events) FROM learner_tiles", DONE),
    ("features", "DELETE FROM learner_tiles", REFUSED),
    *((name, "DELETE FROM erasures", REFUSED) for name in ("archive", "features", "inbox")),
    *(
        (name, "SELECT move_person(gen_random_uuid(), gen_random_uuid(), '{}')", REFUSED)
        for name in ("archive", "derive", "features", "lms", "analyst", "reader")
    ),
    # The analytics API has nothing until a transaction takes on a scope.
    ("lms", "SELECT 1 FROM activity_events", REFUSED),
    ("lms", f"{AS_INSTALLATION}; SELECT 1 FROM analytics.activity_events", DONE),
    ("lms", f"{AS_INSTALLATION}; SELECT 1 FROM public.activity_events", REFUSED),
    ("lms", f"{AS_INSTALLATION}; SET TRANSACTION READ WRITE; DELETE FROM sessions", REFUSED),
    # An operator's reading eyes.
    ("reader", "SELECT payload FROM activity_events", DONE),
    ("reader", "SELECT * FROM pipelines_migrations", DONE),
    ("features", "SELECT payload FROM activity_events", REFUSED),
    ("features", "SELECT DISTINCT course_id FROM activity_events WHERE batch_no > 5", DONE),
    *((name, "SELECT 1", NO_WAY_IN) for name in ("relay", "serving", "dashboards")),
    *(
        (name, "SET ROLE operator", REFUSED)
        for name in ("lms", "archive", "derive", "monitor", "features", "flink", "analyst")
    ),
]


@pytest.mark.parametrize(("principal", "statement", "answer"), PROBES)
def test_a_process_may_what_it_is_there_for_and_nothing_else(
    url: str, principal: str, statement: str, answer: str
) -> None:
    assert tried(principal, url, statement) == answer


@pytest.fixture(scope="module")
def url(stack: Profile) -> Iterator[str]:
    """A database of this module's own, as the operator has it."""
    name = f"roles_{uuid4().hex[:12]}"
    server = PostgresSettings().analytics_url
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    there = make_conninfo(server, dbname=name)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LMS_POSTGRES_ANALYTICS_URL", there)
            schema.prepare()
        with psycopg.connect(there) as owner:  # what the feature store has, to be refused
            owner.execute("CREATE SCHEMA features")
            owner.execute("CREATE TABLE features.consent (user_id text PRIMARY KEY)")
        yield there
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.fixture
def owner(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_the_table_of_probes_asks_every_principal() -> None:
    assert {name for name, *_ in PROBES} == set(PRINCIPALS) - {"operator"}


def test_each_role_has_these_rights_and_no_other(owner: psycopg.Connection[Any]) -> None:
    tables = set(rights(owner, "operator"))
    derived = {table.name for one in derive.catalogue().values() for table in one.tables}
    due = {one.due for one in derive.catalogue().values() if one.due} | set(QUEUES)
    summed = {sink.table for one in catalogue().values() for sink in one.writes}
    write = {"INSERT", "UPDATE", "DELETE"}
    everything = {key: {"SELECT"} for key in tables}
    changed = {key: {"SELECT", *write} for key in derived | due | {"derive_position"}}
    assert rights(owner, "derive") == everything | changed | {
        "archive_batches": {"SELECT", "DELETE"}
    }
    assert rights(owner, "flink") == {key: {"SELECT", *write} for key in summed}
    assert rights(owner, "archive") == {
        "activity_events": {"SELECT", "INSERT"},
        "archive_batches": {"SELECT", "INSERT"},
        "archive_offsets": {"SELECT", "INSERT", "UPDATE"},
        "archive_arrivals": {"SELECT", "INSERT", "UPDATE"},
        "archive_heartbeat": {"SELECT", "INSERT", "UPDATE"},
        "archive_duplicates": {"SELECT", "INSERT", "DELETE"},
        "archive_marks": {"SELECT", "INSERT", "DELETE"},
        "derive_position": {"SELECT"},
        "erasures": {"SELECT"},
    }
    assert rights(owner, "live") == {
        key: {"SELECT"}
        for key in ("course_activity_minute", "learner_tiles", "job_starts", "erasures")
    }
    read = (*TABLES, *COURSE_TABLES, "derive_position")
    assert rights(owner, "features") == {
        key: {"SELECT"} for key in ("erasures", "archived_consents", "job_starts", *read)
    }
    assert rights(owner, "monitor") == {
        **{key: {"SELECT"} for key in ("archive_offsets", "archive_batches", "archive_arrivals")},
        **{key: {"SELECT"} for key in ("archive_heartbeat", "derive_position")},
        "stream_application": {"SELECT"},
        "feature_skew": {"SELECT"},
        "commit_to_row": {"SELECT", "INSERT", "DELETE"},
    }
    assert rights(owner, "reader") == everything
    assert rights(owner, "analyst") == {}
    for reader in ("analyst", "reader"):
        shown = {f"analytics.{name}": {"SELECT"} for name in views.catalogue()}
        assert rights(owner, reader, "analytics") == shown, reader
    # A consumer that begins later than Kafka reaches back begins with the archive.
    assert rights(owner, "inbox") == {
        key: {"SELECT"}
        for key in ("activity_events", "archive_offsets", "archive_batches", "derive_position")
    }
    assert rights(owner, "lms") == {}


def test_everything_is_the_operator_s(owner: psycopg.Connection[Any]) -> None:
    owners = owner.execute(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class "
        "UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc"
    ).fetchall()
    assert owners == [("operator",)]


def test_declaring_the_same_again_changes_nothing(owner: psycopg.Connection[Any]) -> None:
    def version() -> Any:
        return owner.execute(
            "SELECT xmin::text FROM pg_class WHERE oid = 'activity_events'::regclass "
            "UNION ALL SELECT xmin::text FROM pg_authid WHERE rolname = 'archive'"
        ).fetchall()

    before = version()
    assert readers.declare(owner) is False
    assert version() == before


def test_the_derivation_makes_its_tables_again_and_keeps_to_the_retention_without_owning_any(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", of("derive", url))
    engine = Engine()
    try:
        assert engine.connection.info.user == "derive"
        rebuild.begin(engine)
        tables = {table.name for one in derive.catalogue().values() for table in one.tables}
        assert rebuild.rebuild([], engine=engine).keys() == tables
        engine.step()
        engine.refresh_due()
        retention.configure(engine.connection)
        assert retention.retain(engine.connection) == 0
    finally:
        engine.close()


def test_the_archive_stores_events_also_repeated_ones_without_owning_a_table(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", of("archive", url))
    view = ContentViewed(user_id=new_id(), course_id=new_id(), item_id=new_id(), kind="video")
    event = wrap(view, institution_id=new_id(), source_service="test")
    batch = Batch()
    batch.add(event)
    batch.add(event)
    table = ArchiveTable()
    try:
        assert table.store(batch, {(CONTENT.name, 0): 2}) == 1
        assert table.offsets() == {(CONTENT.name, 0): 2}
    finally:
        table.close()


def test_no_password_stands_in_what_flink_is_given(stack: Profile) -> None:
    for job in catalogue().values():
        for sink in job.writes:
            assert "user=flink" in sink.ddl()
            assert "password" not in sink.ddl()
            assert not any(password(name) in sink.ddl() for name in PRINCIPALS)
