"""The mapped history in DuckDB: rows for the LMS, messages for Kafka, both up to a given day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from contracts.ids import LEARNSTREAM

HERE = Path(__file__).parent
EPOCH = date(1970, 1, 1)
FOREVER = 2**31 - 1
LMS_TABLES = (
    "users",
    "user_roles",
    "courses",
    "content_items",
    "enrollments",
    "assessments",
    "submissions",
)
"""In the order their foreign keys allow."""


def day_number(on: date) -> int:
    return (on - EPOCH).days


def day_date(number: int) -> date:
    return EPOCH + timedelta(days=number)


def map_history(
    db: duckdb.DuckDBPyConnection,
    institution: str,
    *,
    skipped: Iterable[tuple[str, str]] = (),
    known: Iterable[str] = (),
) -> None:
    """Make the mapped tables of ``mapping.sql`` from the seven source tables.

    ``skipped`` are presentations and ``known`` user ids that an earlier import brought.
    """
    db.execute("SET VARIABLE namespace = ?::BLOB", [LEARNSTREAM.bytes])
    db.execute("SET VARIABLE institution = ?::VARCHAR", [institution])
    db.execute("CREATE TABLE skipped (module VARCHAR, presentation VARCHAR)")
    db.execute("CREATE TABLE known (user_id UUID)")
    for module, presentation in skipped:
        db.execute("INSERT INTO skipped VALUES (?, ?)", [module, presentation])
    db.execute("INSERT INTO known SELECT unnest(?::UUID[])", [list(known)])
    _script(db, "mapping.sql")


def leave_out(db: duckdb.DuckDBPyConnection, digests: Iterable[str]) -> None:
    """Nothing of the people whose ids have these digests (SHA-256, hexadecimal)."""
    db.execute(
        "CREATE OR REPLACE TEMP TABLE left_out AS SELECT user_id FROM learner "
        "WHERE sha256(user_id::VARCHAR) IN (SELECT unnest(?::VARCHAR[]))",
        [list(digests)],
    )
    if db.execute("SELECT count(*) FROM left_out").fetchone() != (0,):
        for table in ("learner", "account", "enrollment", "submission", "view"):
            db.execute(f"DELETE FROM {table} WHERE user_id IN (FROM left_out)")


def until_day(until: date | None) -> int:
    return day_number(until) if until else FOREVER


def counts(db: duckdb.DuckDBPyConnection, end_day: int) -> dict[str, int]:
    """Messages before ``end_day`` by event type."""
    return dict(
        db.execute(
            "SELECT event_type, count(*) FROM message WHERE day < ? GROUP BY ALL ORDER BY ALL",
            [end_day],
        ).fetchall()
    )


def last_day(db: duckdb.DuckDBPyConnection) -> int | None:
    """The day of the last view, from which days are held back."""
    row = db.execute("SELECT max(day) FROM view").fetchone()
    return row[0] if row else None


def end_day(db: duckdb.DuckDBPyConnection) -> int:
    """The day after everything."""
    row = db.execute("SELECT max(day) + 1 FROM message").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def state_until(db: duckdb.DuckDBPyConnection, until: date | None) -> None:
    """Make the messages and the LMS rows of all that happened before ``until``."""
    db.execute("SET VARIABLE until_day = ?::INTEGER", [until_day(until)])
    _script(db, "events.sql")
    _script(db, "rows.sql")


def requests(db: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``request``: what of the history can be sent over HTTP."""
    _script(db, "requests.sql")


def _script(db: duckdb.DuckDBPyConnection, name: str) -> None:
    db.execute((HERE / name).read_text(encoding="utf-8"))
