"""Loads mapped rows into the LMS's tables by COPY; a row that is there already stays as it is."""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg
from psycopg import sql

BATCH_ROWS = 10_000


def load(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], tables: tuple[str, ...]
) -> dict[str, int]:
    """Copy DuckDB's views ``lms_<table>`` into the tables, in order; returns the new rows of each.

    The caller's transaction decides: all of it or nothing.
    """
    return {table: _load(db, connection, table) for table in tables}


def _load(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], table: str) -> int:
    described = db.execute(f"DESCRIBE lms_{table}").fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(row[0]) for row in described)
    staging, target = sql.Identifier(f"staging_{table}"), sql.Identifier(table)
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            staging, columns, target
        )
    )
    with connection.cursor() as cursor:
        rows = db.execute(f"FROM lms_{table}")
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(staging, columns)) as copy:
            while batch := rows.fetchmany(BATCH_ROWS):
                for row in batch:
                    copy.write_row(row)
        # ANALYZE first: the planner knows nothing of a table that was filled a moment ago.
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                target, columns, columns, staging
            )
        )
        return cursor.rowcount
