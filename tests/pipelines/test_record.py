"""What is known about the jobs: one writer at a time, and what an earlier version knew."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from pipelines import record, schema, start
from pipelines.record import Record
from stack import postgres
from stack.profile import Profile, profile
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def nothing_known(stack: Profile) -> Iterator[None]:
    with postgres.connect_analytics() as connection:
        connection.execute("TRUNCATE job_starts, stream_application")
    yield
    with postgres.connect_analytics() as connection:
        connection.execute("TRUNCATE job_starts, stream_application")
        record.write(connection, Record(wanted=()))


def test_what_is_written_is_read_again() -> None:
    assert record.read() == Record()
    new = Record(("a", "b"), "0" * 32, "file:///x", None, {"a": {"generation": 3}}, {"1": ["x"]})
    with record.exclusive() as connection:
        record.write(connection, new)
    assert record.read() == new
    with record.exclusive() as connection:
        record.write(connection, replace(new, wanted=()))
    assert record.read().wants() == []
    assert Record().wants() != []


def test_the_second_who_submits_waits_for_the_first() -> None:
    order: list[str] = []

    def second() -> None:
        with record.exclusive():
            order.append("second")

    with record.exclusive() as connection:
        thread = threading.Thread(target=second)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: (connection.execute(waiting).fetchone() or (0,))[0], "the second waits")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_who_has_lost_the_lock_writes_nothing() -> None:
    with contextlib.suppress(psycopg.OperationalError), record.exclusive() as connection:
        with postgres.connect_analytics(autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with record.exclusive(), pytest.raises(psycopg.OperationalError):  # somebody else has it
            record.write(connection, Record(("a",)))
    assert record.read() == Record()


def test_the_file_of_an_earlier_version_is_read_once() -> None:
    path = profile().run / "jobs.json"
    facts = {"tables": {"course_activity_day": "x"}, "states": {}, "part_s": 60}
    known = {"wanted": ["course_activity"], "job_id": "1" * 32, "plan": facts, "stopped_at": None}
    path.write_text(json.dumps(known))
    with postgres.connect_analytics() as connection:
        connection.execute(
            "INSERT INTO job_starts (job, generation, offsets, fresh) "
            """VALUES ('course_activity', 2, '{"lms.content.events": {"0": 7}}', false)"""
        )
    with record.exclusive() as connection:
        assert record.read(connection) == Record(("course_activity",), "1" * 32)
        [begun] = start.current(connection).values()
    assert (begun.generation, begun.offsets) == (2, {"lms.content.events": {"0": 7}})
    assert begun.statements == {"course_activity_day": "x"}
    assert begun.part_s == 60
    assert not path.exists()
    path.write_text(json.dumps(known | {"wanted": []}))
    with record.exclusive() as connection:
        assert record.read(connection).wanted == ("course_activity",), "it is known better by now"


def test_the_start_of_an_earlier_version_is_the_job_s(stack: Profile) -> None:
    """In a database of its own, at the migration before."""
    name = "come_earlier"
    with postgres.connect_analytics(autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    with postgres.connect_analytics(dbname=name) as connection:
        for path in sorted(schema.MIGRATIONS.glob("*.sql")):
            if path.stem == "0040_jobs":
                connection.execute(
                    "INSERT INTO stream_start (generation, offsets) VALUES (4, '{\"t\": {}}')"
                )
            connection.execute(path.read_bytes())
        assert start.current(connection) == {"course_activity": start.Start(4, {"t": {}})}
    with postgres.connect_analytics(autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}".encode())
