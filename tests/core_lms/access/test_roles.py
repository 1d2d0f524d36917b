"""Each process comes into the LMS's database as itself and does what it is there for."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from contracts.heartbeat import KEY
from contracts.ids import new_id
from contracts.topics import HEARTBEATS
from core_lms.access import role
from core_lms.outbox import LOCK_CLASS
from stack.postgres import PostgresSettings
from stack.principals import PRINCIPALS
from tests.logins import anonymous, of, rights, tried

pytestmark = pytest.mark.integration

DONE, REFUSED, NO_WAY_IN = "done", "refused", "no way in"
PROBES = [
    # Every process, and that of another database, at the rows of people.
    ("lms", "SELECT name FROM users", DONE),  # of the tenant it says: test_tenancy.py
    ("inbox", "SELECT name FROM users", DONE),
    ("reader", "SELECT name FROM users", DONE),
    ("relay", "SELECT name FROM users", REFUSED),
    ("monitor", "SELECT name FROM users", REFUSED),
    *((n, "SELECT 1", NO_WAY_IN) for n in ("archive", "derive", "live", "features", "flink")),
    *((name, "SELECT 1", NO_WAY_IN) for name in ("serving", "dashboards", "analyst")),
    # The outbox: only the LMS says things, only the relay takes them out.
    ("lms", "INSERT INTO outbox (topic, key, message) VALUES ('t', 'k', '{}')", DONE),
    ("lms", "SELECT message FROM outbox", REFUSED),
    ("lms", "DELETE FROM outbox", REFUSED),
    ("relay", "SELECT message FROM outbox", DONE),
    ("relay", "DELETE FROM outbox", DONE),
    ("relay", "INSERT INTO outbox (topic, key, message) VALUES ('t', 'k', '{}')", REFUSED),
    ("relay", "UPDATE outbox SET message = '{}'", REFUSED),
    ("relay", "UPDATE outbox_relay SET batch_no = batch_no", DONE),
    ("relay", "SELECT pg_sequence_last_value('outbox_id_seq')", DONE),
    ("monitor", "SELECT append_heartbeat('{}')", DONE),
    ("monitor", "INSERT INTO outbox (topic, key, message) VALUES ('t', 'k', '{}')", REFUSED),
    ("monitor", "SELECT message FROM outbox", REFUSED),
    ("monitor", "SELECT claim_deliveries(1, '1 s')", REFUSED),
    ("lms", "SELECT append_heartbeat('{}')", REFUSED),
    # The audit log: the LMS queues, the inbox seals, nobody changes.
    ("lms", "SELECT * FROM audit_queue", REFUSED),
    ("lms", "DELETE FROM audit_queue", REFUSED),
    ("lms", "INSERT INTO audit_log SELECT * FROM audit_log", REFUSED),
    ("inbox", "DELETE FROM audit_queue", DONE),
    ("inbox", "UPDATE audit_log SET actor = 'x'", REFUSED),
    ("inbox", "DELETE FROM audit_log", REFUSED),
    # Erased people are moved by functions alone, for an erasure that is open.
    ("inbox", "SELECT * FROM erasures_to_move(60)", DONE),
    ("inbox", "UPDATE erasures SET moved_at = moved_at", DONE),
    ("inbox", "INSERT INTO erasures (digest, institution_id) SELECT '', id FROM users", REFUSED),
    ("lms", "SELECT * FROM erasures", REFUSED),
    ("lms", "SELECT * FROM erasures_to_move(60)", REFUSED),
    ("lms", "SELECT move_texts_of_erased(gen_random_uuid())", REFUSED),
    ("lms", "SELECT redact_audit_log(gen_random_uuid())", REFUSED),
    # An operator's reading eyes: all of it, and not a word written.
    ("reader", "SELECT message FROM outbox", DONE),
    ("reader", "UPDATE users SET name = 'x'", REFUSED),
    ("reader", "DELETE FROM outbox", REFUSED),
    ("reader", "CREATE TABLE mine (id int)", REFUSED),
    ("reader", "SET ROLE operator", REFUSED),
    # Nobody takes on another role, makes anything, or looks at passwords.
    *((name, "SET ROLE operator", REFUSED) for name in ("lms", "inbox", "relay", "monitor")),
    *((name, "CREATE TABLE mine (id int)", REFUSED) for name in ("lms", "inbox", "relay")),
    *((name, "CREATE TEMP TABLE users (id int)", REFUSED) for name in ("lms", "inbox", "relay")),
    *((name, "SELECT rolpassword FROM pg_authid", REFUSED) for name in ("lms", "reader")),
    *((name, "ALTER ROLE lms SUPERUSER", REFUSED) for name in ("lms", "relay")),
    *((name, "TRUNCATE outbox", REFUSED) for name in ("lms", "relay", "monitor")),
]


@pytest.mark.parametrize(("principal", "statement", "answer"), PROBES)
def test_a_process_may_what_it_is_there_for_and_nothing_else(
    http: Any, principal: str, statement: str, answer: str
) -> None:
    assert tried(principal, PostgresSettings().lms_url, statement) == answer


def test_the_table_of_probes_asks_every_principal() -> None:
    assert {name for name, *_ in PROBES} == set(PRINCIPALS) - {"operator"}


def test_relay_and_monitor_have_no_right_besides(database: Any, http: Any) -> None:
    assert rights(database, "relay") == {
        "outbox": {"SELECT", "DELETE"},
        "outbox_relay": {"SELECT", "UPDATE"},
        "outbox_id_seq": {"SELECT"},
    }
    assert rights(database, "monitor") == {}
    application = rights(database, role.GROUP)
    assert rights(database, "lms") == application
    sealing = {
        table: given - application.get(table, set())
        for table, given in rights(database, "inbox").items()
        if given != application.get(table)
    }
    assert sealing == {
        "audit_queue": {"SELECT", "DELETE"},
        "audit_log": {"INSERT"},
        "audit_redactions": {"SELECT", "INSERT"},
        "erasures": {"SELECT", "UPDATE"},
    }


def test_nobody_but_the_operator_is_a_superuser_or_owns_anything(database: Any, http: Any) -> None:
    mighty = database.execute(
        "SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls OR rolcreaterole "
        "OR rolcreatedb OR rolreplication"
    ).fetchall()
    assert mighty == [("operator",)]
    owners = database.execute(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class "
        "UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc "
        "UNION SELECT DISTINCT datdba::regrole::text FROM pg_database"
    ).fetchall()
    assert owners == [("operator",)]


def test_what_runs_with_its_owner_s_rights_is_not_everybody_s_and_finds_its_own_tables(
    database: Any, http: Any
) -> None:
    found = database.execute(
        "SELECT oid::regprocedure::text, proconfig, "
        "has_function_privilege('public', oid, 'EXECUTE') "
        "FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
        "AND prorettype <> 'trigger'::regtype"  # nobody can call one
    ).fetchall()
    assert len(found) > 5
    for name, settings, everybody in found:
        assert not everybody, name
        assert "search_path=public, pg_temp" in settings, name


def test_a_heartbeat_is_all_that_the_monitor_can_say(database: Any, http: Any) -> None:
    with psycopg.connect(of("monitor", PostgresSettings().lms_url), autocommit=True) as monitor:
        monitor.execute("SELECT append_heartbeat(%s)", [said := new_id()])
    try:
        row = database.execute(
            "SELECT topic, key FROM outbox WHERE message = %s", [said]
        ).fetchone()
        assert row == (HEARTBEATS.name, KEY)
    finally:
        database.execute("DELETE FROM outbox WHERE message = %s", [said])
    [(body,)] = database.execute("SELECT prosrc FROM pg_proc WHERE proname = 'append_heartbeat'")
    assert f"pg_advisory_xact_lock({LOCK_CLASS}, hashtext('{KEY}'))" in body


def test_without_the_password_nobody_comes_in(http: Any) -> None:
    url = anonymous(PostgresSettings().lms_url)
    for user in PRINCIPALS:
        for word in ("", "learnstream", user):
            address = psycopg.conninfo.make_conninfo(url, user=user, password=word)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(address)


def test_declaring_the_same_again_changes_nothing(database: Any, http: Any) -> None:
    def version() -> Any:
        return database.execute(
            "SELECT xmin::text FROM pg_class WHERE oid = 'outbox'::regclass "
            "UNION ALL SELECT xmin::text FROM pg_authid WHERE rolname = 'relay'"
        ).fetchall()

    before = version()
    assert role.declare(database) is False
    assert version() == before


def test_a_right_that_is_no_longer_declared_is_gone_and_a_new_table_is_nobody_s(
    database: Any, template: str
) -> None:
    from tests.core_lms.conftest import copied

    name = f"roles_{new_id().replace('-', '')}"
    url = copied(template, name)
    try:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("GRANT SELECT ON users TO relay")
            owner.execute("CREATE TABLE later (id int)")  # so there is something to declare
            assert role.declare(owner) is True
            assert "users" not in rights(owner, "relay")
            assert rights(owner, "lms").get("later") is None
            assert rights(owner, "reader")["later"] == {"SELECT"}
    finally:
        database.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
