"""Loads what the LMS and TimescaleDB hold into DuckDB, each query a file beside this one.

All queries to one database see one snapshot of it, and one ``now()``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from contracts.errors import Misconfigured, Retryable
from contracts.events import LEARNER_ACTIONS
from pipelines.derive.settings import DeriveSettings
from stack import postgres

HERE = Path(__file__).parent
CONNECT = {"lms": postgres.connect_lms, "analytics": postgres.connect_analytics}


@contextmanager
def snapshot(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose statements all see the same moment; it writes nothing.

    Raises ``Retryable`` where the database does not answer, ``Misconfigured`` where it is empty.
    """
    try:
        with CONNECT[database]() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SET TimeZone = 'UTC'; SET jit = off")
            yield connection
    except psycopg.OperationalError as error:
        raise Retryable(f"the database {database} does not answer: {error}") from error
    except psycopg.errors.UndefinedTable as error:
        raise Misconfigured(
            f"the database {database} lacks a table ({error.diag.message_primary}): learnstream up"
        ) from None


def set_variables(db: duckdb.DuckDBPyConnection) -> None:
    """Give DuckDB's queries the settings of the derivation and what the event classes say."""
    settings = DeriveSettings()
    db.execute(
        f"SET VARIABLE gap = {settings.session_gap_minutes}; "
        f"SET VARIABLE feedback_days = {settings.feedback_window_days}"
    )
    db.execute("SET VARIABLE own_action_types = ?", [list(LEARNER_ACTIONS)])


def fetch(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], database: str, table: str
) -> None:
    """Replace DuckDB's ``table`` by the rows of ``<database>/<table>.sql``."""
    load(db, connection, (HERE / database / f"{table}.sql").read_text(encoding="utf-8"), table)


def load(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], query: str, table: str
) -> None:
    """Replace DuckDB's ``table`` by the rows of ``query``."""
    query = query.replace("{feedback_days}", str(DeriveSettings().feedback_window_days))
    _copy(db, connection, query, table)


def _copy(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], query: str, table: str
) -> None:
    # By way of a file: DuckDB reads a CSV of a million rows faster than Python makes them.
    with tempfile.NamedTemporaryFile(suffix=".csv") as file, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0".encode())
        columns = ", ".join(
            f"'{column.name}': '{_TYPES[column.type_code]}'" for column in cursor.description or ()
        )
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy:
            for block in copy:
                file.write(block)
        file.flush()
        db.execute(
            f"CREATE OR REPLACE TABLE {table} AS FROM read_csv('{file.name}', header = false, "
            f"auto_detect = false, delim = ',', quote = '\"', columns = {{{columns}}})"
        )


_TYPES = {
    psycopg.postgres.types["uuid"].oid: "UUID",
    psycopg.postgres.types["date"].oid: "DATE",
    psycopg.postgres.types["text"].oid: "VARCHAR",
    psycopg.postgres.types["varchar"].oid: "VARCHAR",
    psycopg.postgres.types["timestamp"].oid: "TIMESTAMP",
    psycopg.postgres.types["int4"].oid: "INTEGER",
    psycopg.postgres.types["float8"].oid: "DOUBLE",
    psycopg.postgres.types["int8"].oid: "BIGINT",
    psycopg.postgres.types["numeric"].oid: "BIGINT",  # a sum of bigints
}


def derive(db: duckdb.DuckDBPyConnection, table: str) -> None:
    """Replace DuckDB's ``table`` by the rows of ``derived/<table>.sql``."""
    make(db, (HERE / "derived" / f"{table}.sql").read_text(encoding="utf-8"), table)


def make(db: duckdb.DuckDBPyConnection, query: str, table: str) -> None:
    """Replace DuckDB's ``table`` by the rows of a query over its other tables."""
    db.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")


def columns(db: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()}
