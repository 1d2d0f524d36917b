"""Tenants are apart in the database itself, whatever the application's SQL says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from contracts.errors import Misconfigured
from contracts.ids import new_id
from core_lms.access.role import GROUP, refuse_bypass
from stack.postgres import PostgresSettings

pytestmark = pytest.mark.integration

NO_TENANT = {
    "schema_migrations": "which files the database ran",
    "outbox": "a queue to Kafka; the envelopes name their tenant",
    "outbox_relay": "where the relay stands",
    "signing_keys": "tokens name their institution themselves",
    "certificate_keys": "an installation's keys, as those of tokens",
    "audit_redactions": "hashes of changed rows of the audit log, by their positions",
    "inbox_offsets": "where a consumer stands in a partition, which all tenants share",
    "inbox_history": "up to where a consumer begins with the archive, for all tenants",
}
"""Tables without ``institution_id``, each with its reason."""

TABLES = """
SELECT relation.relname, relation.relrowsecurity,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation.oid AND NOT attisdropped
                 AND attname = 'institution_id' AND attnotnull),
       ARRAY(SELECT pg_get_expr(polqual, polrelid) || ' / ' || pg_get_expr(polwithcheck, polrelid)
             FROM pg_policy WHERE polrelid = relation.oid
               AND 'learnstream_app'::regrole = ANY (polroles))
FROM pg_class AS relation
WHERE relation.relnamespace = 'public'::regnamespace AND relation.relkind IN ('r', 'p')
ORDER BY relation.relname
"""


@pytest.fixture
def app(http: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the application has it; ``http`` stands for a migrated database."""
    with psycopg.connect(PostgresSettings().app_url, autocommit=True) as connection:
        yield connection


def as_tenant(connection: psycopg.Connection[Any], institution_id: str) -> None:
    connection.execute(
        "SELECT set_config('learnstream.institution_id', %s, true)", [institution_id]
    )


def refused(
    connection: psycopg.Connection[Any], institution_id: str, statement: str, values: Any = ()
) -> None:
    """The database says no to a statement that a tenant's transaction sends."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _as(connection, institution_id, statement, values)


def _as(connection: Any, institution_id: str, statement: str, values: Any) -> None:
    with connection.transaction():
        as_tenant(connection, institution_id)
        connection.execute(statement, values)


def used_by_app(database: Any, table: str) -> bool:
    row = database.execute(
        "SELECT has_table_privilege(%s, %s, 'SELECT, INSERT, UPDATE, DELETE')", [GROUP, table]
    ).fetchone()
    return bool(row[0])


def test_every_table_has_a_tenant_that_the_database_enforces(database: Any, http: Any) -> None:
    for name, enforced, has_tenant, policies in database.execute(TABLES).fetchall():
        if name in NO_TENANT:
            assert not has_tenant, f"{name} has a tenant after all"
            continue
        assert has_tenant, f"{name} has no institution_id, and no reason for that is given"
        if not (enforced or used_by_app(database, name)):
            continue  # the owner's bookkeeping
        assert enforced, f"{name}: its migration forgot SELECT tenant_table('{name}')"
        for policy in policies:
            assert policy.count("current_institution()") == 2, f"{name}: {policy}"
        assert policies, name


def test_the_application_s_role_cannot_bypass_it(database: Any, app: Any) -> None:
    role = database.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
        "WHERE rolname = %s",
        ["lms"],
    ).fetchone()
    assert role == (False, False, False, False)
    for statement in (
        "SET ROLE operator",
        "SET ROLE inbox",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON users",
        "ALTER ROLE lms BYPASSRLS",
        "TRUNCATE users",
        "SELECT message FROM outbox",
        "SELECT * FROM schema_migrations",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)
    # Without it a query that the policies would filter is an error instead of an answer.
    app.execute("SET row_security = off")
    refused(app, new_id(), "SELECT count(*) FROM users")


def test_without_a_tenant_or_as_another_one_nothing_is_seen_changed_or_written(
    lms: Any, app: Any
) -> None:
    learner, course_id = lms.user(), lms.course()
    lms.enrollment(course_id, learner)
    for institution in ("", new_id()):
        with app.transaction():
            as_tenant(app, institution)
            for table, _, has_tenant, _ in lms.database.execute(TABLES).fetchall():
                readable = "SELECT has_table_privilege(%s, 'SELECT')"
                if has_tenant and app.execute(readable, [table]).fetchone() == (True,):
                    counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                    assert app.execute(counted).fetchone() == (0,), table
            changed = app.execute("UPDATE users SET status = 'inactive' WHERE id = %s", [learner])
            assert changed.rowcount == 0
            assert app.execute("DELETE FROM enrollments").rowcount == 0
    foreign = "INSERT INTO courses (id, title, instructor_id, created_by, institution_id) " + (
        "SELECT %s, 'X', %s, %s, %s"
    )
    refused(app, new_id(), foreign, [new_id(), learner, learner, lms.institution_id])
    move = "UPDATE users SET institution_id = %s WHERE id = %s"
    refused(app, lms.institution_id, move, [new_id(), learner])


def test_the_tenant_ends_with_the_transaction(lms: Any, app: Any) -> None:
    lms.user()
    with app.transaction():
        as_tenant(app, lms.institution_id)
        assert app.execute("SELECT count(*) FROM users").fetchone() == (1,)
    assert app.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_it_does_not_start_as_a_role_that_sees_everything(http: Any) -> None:
    settings = PostgresSettings()
    refuse_bypass(settings.app_url)
    with pytest.raises(Misconfigured, match="LMS_POSTGRES_APP_URL"):
        refuse_bypass(settings.lms_url)
