"""The analytical database's tables: numbered migrations, frozen once applied, and declared ones.

What others may read (database ``analytics``; all ids ``uuid``, all times ``timestamptz`` in UTC):

Summed by Flink as events arrive: the tables that ``pipelines/jobs`` declare. ``part`` numbers their
partial sums: sum over it, for a late event may add a row to its old bucket.

Derived from the archive (``pipelines.derive``; each event once, however late): the tables that
``pipelines/derive/jobs`` declare, with the views ``enrollment_funnel``, ``enrollment_times``,
``question_quality``, ``learner_progress`` and ``anomalies`` over them.
``docs/generated/derived-tables.md`` explains the columns of both.

``activity_events``
    Every valid event of every topic, once: ``(event_id, event_type, topic, timestamp,
    institution_id, user_id, course_id, item_id, kind, clicks, source_service, schema_version,
    payload, received_at)``. ``payload`` is the event's payload as validated (``jsonb``); ``user_id,
    course_id, item_id, kind, clicks`` are lifted out of it and NULL where it has none. Unique, and
    indexed, by ``(user_id, timestamp, event_id)``. ``archive_kept.begins_at`` says since
    when it is complete; ``activity_by_hour`` counts it.
``archive_arrivals``
    ``(hour_at, topic, events, late, future)``: how messages arrived, by the hour of their arrival;
    repeated messages count as often as they came.
``archive_offsets``
    ``(topic, partition, next_offset)``: how far ``activity_events`` is complete.

The API reads them through ``readers.sql``: every table and view that has ``institution_id`` (and
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
