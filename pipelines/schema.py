"""The analytical database's tables: numbered migrations, frozen once applied, and declared ones.

Others read the views of the schema ``analytics`` (``pipelines.views``;
``docs/generated/analytics.md`` explains them), one per table and without how it is stored.
Behind them, in ``public``: what Flink sums as events arrive (``pipelines/jobs``) in partial sums
that ``part`` numbers, what is derived from the archive (``pipelines/derive/jobs``), the archive,
and what the processes note. ``activity_events`` is unique, and indexed, by ``(user_id, timestamp,
event_id)``.

The API reads the views through ``readers.sql``: every one that has ``institution_id`` (and
``course_id``, ``user_id`` for the narrower scopes) is there under its own name.

``prepare()`` may be called by anyone at any time; it needs a role that may create extensions, or
the extension to exist.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg

from contracts.errors import Misconfigured, Retryable
from pipelines import job as stream
from pipelines.derive import job, tables
from pipelines.readers import close_to_readers, declare
from stack import postgres

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x4C53_0001  # one preparer at a time; any constant no other lock of ours uses


def prepare() -> list[str]:
    """Apply the migrations that are missing, and make declared tables that are; returns both.

    Raises ``Retryable`` where the database does not answer and ``Misconfigured`` where an applied
    migration's file was changed afterwards or a table is not as declared.
    """
    try:
        connection = postgres.connect_analytics()
    except psycopg.OperationalError as error:
        raise Retryable(f"the analytical database does not answer: {error}") from error
    with connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS pipelines_migrations "
            "(name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz DEFAULT now())"
        )
        applied = dict(connection.execute("SELECT name, sha256 FROM pipelines_migrations"))
        done = [
            path.stem
            for path in sorted(MIGRATIONS.glob("*.sql"))
            if _apply(connection, path, applied)
        ]
        done += tables.prepare(connection, [*stream.tables(), *job.tables()])
        declare(connection)
        return done


def _apply(connection: psycopg.Connection, path: Path, applied: dict[str, str]) -> bool:
    text = path.read_text(encoding="utf-8")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if path.stem in applied:
        if applied[path.stem] != sha256:
            raise Misconfigured(
                f"migration {path.name} was changed after it was applied: restore it and "
                "write a new one (or empty a local installation: learnstream wipe --all)",
                migration=path.stem,
            )
        return False
    close_to_readers(connection)
    connection.execute(text)
    connection.execute(
        "INSERT INTO pipelines_migrations (name, sha256) VALUES (%s, %s)", (path.stem, sha256)
    )
    return True
