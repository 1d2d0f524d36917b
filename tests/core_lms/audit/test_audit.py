"""Accesses to other people's data are recorded with the act, sealed in order, and verifiable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.ids import new_id
from core_lms.audit.sealer import Sealer
from core_lms.audit.settings import AuditSettings
from stack import cli
from stack.postgres import PostgresSettings
from tests.waiting import until

pytestmark = pytest.mark.integration


def queued(lms: Any) -> list[tuple[Any, ...]]:
    rows = lms.database.execute(
        "SELECT actor, action, resource, about FROM audit_queue WHERE institution_id = %s "
        "UNION ALL SELECT actor, action, resource, about FROM audit_log WHERE institution_id = %s",
        [lms.institution_id, lms.institution_id],
    )
    return [
        (actor, action, resource, list(map(str, about))) for actor, action, resource, about in rows
    ]


def test_reading_another_person_s_account_is_recorded_and_one_s_own_is_not(lms: Any) -> None:
    ana, teacher = lms.user(), lms.user("instructor")
    admin = lms.person(teacher, "admin@institution")
    assert lms.person(ana).get(f"/users/{ana}").status_code == 200
    before = queued(lms)
    assert admin.get(f"/users/{ana}").status_code == 200
    new = [row for row in queued(lms) if row not in before]
    assert new == [(f"user/{teacher}", "user.read", f"person {ana}", [ana])]


def test_what_is_refused_or_fails_leaves_no_row(lms: Any) -> None:
    ana, stranger = lms.user(), lms.user()
    before = queued(lms)
    assert lms.person(stranger).get(f"/users/{ana}").status_code == 403
    assert queued(lms) == before


def test_a_learner_s_work_is_about_the_learner_whoever_names_only_the_work(lms: Any) -> None:
    ana, course_id = lms.user(), lms.course()
    enrollment_id = lms.enrollment(course_id, ana)
    admin = lms.user("admin")
    assert lms.person(admin, "admin@institution").get(f"/enrollments/{enrollment_id}").is_success
    rows = [row for row in queued(lms) if row[0] == f"user/{admin}"]
    assert rows == [
        (f"user/{admin}", "enrollment.read", f"enrollment {enrollment_id}", [ana]),
    ]


def test_whoever_is_registered_by_somebody_else_is_whom_it_is_about(lms: Any) -> None:
    admin = lms.user("admin")
    made = lms.person(admin, "admin@institution").user()
    [row] = [row for row in queued(lms) if row[0] == f"user/{admin}"]
    assert (row[1], row[3]) == ("user.register", [made])


def test_a_class_list_is_about_everybody_on_it(lms: Any) -> None:
    course_id, people = lms.course(), [lms.user() for _ in range(3)]
    for id_ in people:
        lms.enrollment(course_id, id_)
    admin = lms.user("admin")
    lms.person(admin, "admin@institution").get(f"/courses/{course_id}/enrollments")
    [row] = [row for row in queued(lms) if row[0] == f"user/{admin}"]
    assert row[3] == sorted(people)


def test_the_application_can_add_rows_and_do_nothing_else_with_them(lms: Any) -> None:
    lms.get(f"/users/{lms.user()}")
    with psycopg.connect(PostgresSettings().app_url, autocommit=True) as app:
        for statement in (
            "SELECT * FROM audit_queue",
            "DELETE FROM audit_queue",
            "UPDATE audit_queue SET actor = 'nobody'",
            "TRUNCATE audit_queue",
            "INSERT INTO audit_log SELECT * FROM audit_log",
            "UPDATE audit_log SET actor = 'nobody'",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


@pytest.fixture
def empty(
    http: Any, template: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """A database of its own, so that no other test's rows are in its chain."""
    server, name = PostgresSettings().lms_url, f"audit_{new_id().replace('-', '')}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        url = psycopg.conninfo.make_conninfo(server, dbname=name)
        monkeypatch.setenv("LMS_POSTGRES_LMS_URL", url)
        monkeypatch.setenv("LMS_AUDIT_HEADS", str(tmp_path / "heads"))
        monkeypatch.setenv("LMS_AUDIT_HEADS_EVERY_S", "0")
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def act(connection: psycopg.Connection[Any], times: int) -> None:
    connection.execute(
        "INSERT INTO audit_queue (actor, action, resource, about, institution_id) "
        "SELECT 'user/' || n, 'user.read', 'person 1', ARRAY[gen_random_uuid()], "
        "gen_random_uuid() FROM generate_series(1, %s) AS n",
        [times],
    )


TAMPERING = {
    "changed": ("UPDATE audit_log SET actor = 'user/somebody-else' WHERE position = 5", 5),
    "removed": ("DELETE FROM audit_log WHERE position = 5", 5),
    "put in": (
        "UPDATE audit_log SET position = position + 100 WHERE position >= 5; "
        "UPDATE audit_log SET position = position - 99 WHERE position >= 105; "
        "INSERT INTO audit_log SELECT 5, gen_random_uuid(), at, 'user/forged', action, resource, "
        "about, session_id, institution_id, sealed_at, hash FROM audit_log WHERE position = 4",
        5,
    ),
    "cut off": ("DELETE FROM audit_log WHERE position > 7", 8),
    "emptied": ("DELETE FROM audit_log", 1),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_a_superuser_tampers_with_is_named(
    empty: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    statements, broken_at = TAMPERING[how]
    sealer = Sealer(empty, AuditSettings())
    with psycopg.connect(empty, autocommit=True) as owner:
        for times in (4, 3, 3):
            act(owner, times)
            assert sealer.seal() == times
        assert cli.call("audit", "verify") == 0
        assert "whole: 10 rows, 3 kept heads agree" in capsys.readouterr().out
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            owner.execute("DELETE FROM audit_log")
        owner.execute("ALTER TABLE audit_log DISABLE TRIGGER append_only")
        for statement in statements.split("; "):
            owner.execute(statement.encode())
    assert cli.call("audit", "verify") == 1
    assert f"BROKEN at position {broken_at}:" in capsys.readouterr().out
    sealer.close()


def test_one_sealer_seals_and_another_takes_over(empty: str) -> None:
    first, second = (Sealer(empty, AuditSettings()) for _ in range(2))
    with psycopg.connect(empty, autocommit=True) as owner:
        act(owner, 2)
        assert (first.seal(), second.seal()) == (2, 0)
        act(owner, 3)
        assert second.seal() == 0
        first.close()
        assert second.seal() == 3
        act(owner, 1)
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'audit-sealer' AND datname = current_database()"
        )
        with pytest.raises(psycopg.OperationalError):
            second.seal()
        until(second.seal, "the server has noticed that the session is gone")
    assert cli.call("audit", "verify") == 0
    second.close()


def test_a_transaction_that_commits_late_is_sealed_later_and_loses_nothing(empty: str) -> None:
    sealer = Sealer(empty, AuditSettings())
    with psycopg.connect(empty) as late, psycopg.connect(empty, autocommit=True) as owner:
        act(late, 2)
        act(owner, 3)
        assert sealer.seal() == 3
        late.commit()
        assert sealer.seal() == 2
        row = owner.execute(
            "SELECT array_agg(position ORDER BY position) FROM audit_log"
        ).fetchone()
        assert row == ([1, 2, 3, 4, 5],)
    assert cli.call("audit", "verify") == 0
    sealer.close()


def test_a_person_reads_who_looked_at_them_and_nobody_else_does(lms: Any) -> None:
    ana, admin = lms.user(), lms.user("admin")
    for _ in range(2):
        assert lms.person(admin, "admin@institution").get(f"/users/{ana}").is_success
    sealer = Sealer(PostgresSettings().lms_url, AuditSettings())
    sealer.seal()
    sealer.close()
    rows = lms.person(ana).get(f"/users/{ana}/audit").json()["items"]
    assert [(row["actor"], row["action"]) for row in rows][:1] == [(f"user/{admin}", "user.read")]
    assert lms.person(lms.user()).get(f"/users/{ana}/audit").status_code == 403
    first = lms.get("/audit", about=ana, limit=1).json()
    assert first["items"][0]["position"] == rows[0]["position"]
    second = lms.get("/audit", about=ana, limit=1, cursor=first["next"]).json()
    assert second["items"][0]["position"] == rows[1]["position"]
    assert lms.elsewhere().get("/audit", about=ana).json()["items"] == []
