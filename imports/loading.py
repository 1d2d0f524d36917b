"""Loads mapped rows into the LMS's tables by COPY; a row that is there already stays as it is.

People are sealed on the way: what is personal never reaches the database in the clear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from core_lms.sealing import person

BATCH_ROWS = 10_000
PEOPLE = "users"
KEYS = (Path(__file__).parent / "keys_of_staged.sql").read_text(encoding="utf-8").encode()


def load(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], tables: tuple[str, ...]
) -> dict[str, int]:
    """Copy DuckDB's views ``lms_<table>`` into the tables, in order; returns the new rows of each.

    The caller's transaction decides: all of it or nothing.
    """
    return {table: _load(db, connection, table) for table in tables}


def _load(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], table: str) -> int:
    given = [row[0] for row in db.execute(f"DESCRIBE lms_{table}").fetchall()]
    rows: Iterator[Sequence[Any]] = _rows(db, table)
    columns = given
    if table == PEOPLE:
        columns = [*given, *person.SEALED_COLUMNS]
        rows = _sealed(given, rows)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    staging, target = sql.Identifier(f"staging_{table}"), sql.Identifier(table)
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            staging, names, target
        )
    )
    copied = names
    if table == PEOPLE:
        connection.execute(sql.SQL("ALTER TABLE {} ADD wrapped_key BYTEA").format(staging))
        copied = sql.SQL("{}, wrapped_key").format(names)
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(staging, copied)) as copy:
            for row in rows:
                copy.write_row(row)
        owner = "id" if table == PEOPLE else "user_id"
        if owner in given:  # who was erased does not come back
            cursor.execute(
                sql.SQL(
                    "DELETE FROM {0} USING erasures WHERE digest = digest_of_id({0}.{1})"
                ).format(staging, sql.Identifier(owner))
            )
        # ANALYZE first: the planner knows nothing of a table that was filled a moment ago.
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                target, names, names, staging
            )
        )
        loaded = cursor.rowcount
        if table == PEOPLE:
            cursor.execute(KEYS)
        return loaded


def _rows(db: duckdb.DuckDBPyConnection, table: str) -> Iterator[Sequence[Any]]:
    found = db.execute(f"FROM lms_{table}")
    while batch := found.fetchmany(BATCH_ROWS):
        yield from batch


def _sealed(given: list[str], rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The rows with placeholders instead of what is personal, then the sealed columns and key."""
    wanted = [*given, *person.SEALED_COLUMNS, "wrapped_key"]
    for row in rows:
        values = dict(zip(given, row, strict=True))
        values["profile"] = json.loads(values["profile"])
        values |= person.seal_new(values["institution_id"], values["id"], values)
        yield [values[column] for column in wanted]
