"""The imports so far (table ``import_runs``), and a lock: one import at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from contracts.errors import Misconfigured, Retryable
from contracts.ids import named_id
from stack.postgres import connect_lms, reach_lms

LOCK = 0x4C4D5320
"""Advisory lock held while importing or replaying."""

_COLUMNS = """id, institution_id::text, source_path, content_hash, format, until_on, presentations,
    status, rows, events, figures, replayed_until_on"""


@dataclass(slots=True)
class Run:
    """One import of one source; the same content is the same run, however often it is started."""

    institution_id: str
    source_path: str
    content_hash: str
    format: str
    until_on: date | None
    presentations: list[str]
    status: str = "running"
    rows: dict[str, int] | None = None
    events: dict[str, int] | None = None
    figures: dict[str, Any] | None = None
    replayed_until_on: date | None = None
    id: UUID | None = None

    @property
    def group(self) -> str:
        """The Kafka group (and transactional id) under which this run's position is kept."""
        return f"import-{named_id(self.institution_id, 'import', self.content_hash)}"

    @property
    def name(self) -> str:
        until = f" until {self.until_on}" if self.until_on else ""
        return f"{self.source_path}{until} ({self.content_hash[:12]})"


@contextmanager
def alone() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the LMS database that holds the import lock until it closes.

    Raises ``Retryable`` where the database is away or another import is under way.
    """
    with reach_lms(autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if not row or not row[0]:
            raise Retryable("another import or replay is under way; wait for it to end")
        yield connection


def connect_again(do: Callable[..., None], *arguments: object) -> None:
    """``do`` something with a new connection: Postgres may have been restarted since we began."""
    for attempt in range(60):
        try:
            with connect_lms(autocommit=True) as connection:
                return do(connection, *arguments)
        except psycopg.OperationalError as error:
            trouble = error
            time.sleep(min(0.1 * 2**attempt, 2.0))
    raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {trouble}")


def all_runs(connection: psycopg.Connection[Any], institution_id: str | None) -> list[Run]:
    """Every run of an institution (none: of all of them), oldest first."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        try:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM import_runs "
                "WHERE %s::uuid IS NULL OR institution_id = %s ORDER BY started_at, id",
                [institution_id, institution_id],
            )
        except psycopg.errors.UndefinedTable:
            raise Misconfigured("the LMS database has no tables: learnstream migrate") from None
        return cursor.fetchall()


def begin(connection: psycopg.Connection[Any], run: Run) -> None:
    """Record that the run has started, in the transaction that loads its rows."""
    connection.execute(
        "INSERT INTO import_runs (id, institution_id, source_path, content_hash, format, until_on, "
        "presentations, rows) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            named_id(run.institution_id, "import", run.content_hash),
            run.institution_id,
            run.source_path,
            run.content_hash,
            run.format,
            run.until_on,
            run.presentations,
            Jsonb(run.rows or {}),
        ],
    )


def finish(connection: psycopg.Connection[Any], run: Run) -> None:
    connection.execute(
        "UPDATE import_runs SET status = 'finished', finished_at = NOW(), "
        "events = %s, figures = %s WHERE institution_id = %s AND content_hash = %s",
        [Jsonb(run.events or {}), Jsonb(run.figures or {}), run.institution_id, run.content_hash],
    )


def replayed(connection: psycopg.Connection[Any], run: Run, until: date) -> None:
    """Record that the held-back days before ``until`` have been replayed."""
    connection.execute(
        "UPDATE import_runs SET replayed_until_on = %s WHERE institution_id = %s "
        "AND content_hash = %s",
        [until, run.institution_id, run.content_hash],
    )


def users_of(connection: psycopg.Connection[Any], runs: list[Run]) -> list[str]:
    """Ids of the learners and teachers of these runs' presentations."""
    pairs = [pair for run in runs for pair in run.presentations]
    statement = (Path(__file__).parent / "users_of.sql").read_text(encoding="utf-8")
    institutions = list({run.institution_id for run in runs})
    rows = connection.execute(
        statement.encode(), {"presentations": pairs, "institutions": institutions}
    ).fetchall()
    return [str(row[0]) for row in rows]
