"""A derived table is made as it is declared, and one that is there is as declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from contracts.errors import Misconfigured
from pipelines.derive import tables
from pipelines.derive.job import tables as declared
from pipelines.derive.tables import Table
from stack.postgres import connect_analytics
from stack.profile import Profile

pytestmark = pytest.mark.integration

NEW = Table(
    "invented_days",
    "what nobody asked for",
    """
    bucket_at timestamptz NOT NULL -- start of the day (UTC)
    institution_id uuid NOT NULL
    user_id uuid NOT NULL
    marks numeric[]
    share double precision
        GENERATED ALWAYS AS (1.0 / 2) STORED -- always a half
    """,
    key=("bucket_at", "user_id"),
    time="bucket_at",
    indexes=("user_id, bucket_at",),
)


@pytest.fixture
def owner(stack: Profile) -> Iterator[psycopg.Connection[Any]]:
    with connect_analytics() as connection:
        yield connection
        connection.rollback()


def test_the_tables_of_migrations_are_as_declared(owner: psycopg.Connection[Any]) -> None:
    assert tables.prepare(owner, declared()) == []


def test_a_missing_table_is_made_with_key_index_and_comments(
    owner: psycopg.Connection[Any],
) -> None:
    assert tables.prepare(owner, [NEW]) == ["invented_days"]
    owner.execute(
        "INSERT INTO invented_days (bucket_at, institution_id, user_id) "
        "VALUES (now(), gen_random_uuid(), gen_random_uuid())"
    )
    row = owner.execute("SELECT share, marks FROM invented_days").fetchone()
    assert row == (0.5, None)
    found = owner.execute(
        "SELECT obj_description('invented_days'::regclass, 'pg_class'), "
        "col_description('invented_days'::regclass, 5), "
        "(SELECT count(*) FROM pg_indexes WHERE tablename = 'invented_days')"
    ).fetchone()
    assert found == ("what nobody asked for", "always a half", 2)
    assert tables.prepare(owner, [NEW]) == []


def test_a_table_that_differs_from_its_declaration_is_refused(
    owner: psycopg.Connection[Any],
) -> None:
    tables.prepare(owner, [NEW])
    owner.execute("ALTER TABLE invented_days ALTER institution_id DROP NOT NULL, DROP marks")
    with pytest.raises(Misconfigured, match="institution_id, marks; write a migration"):
        tables.prepare(owner, [NEW])
