"""Makes derived tables again from the archive, with the jobs' own statements, beside the old ones.

The new rows are made in temporary tables of the same names, which stand before the others in every
search path, learner by learner, as one step to which everything is fresh; then they take the old
rows' place. All of it is one transaction under the steps' lock: readers see the old tables until
they see the new ones, and the derivation waits meanwhile. Nobody has to own a table for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from psycopg import sql

from contracts.errors import Rejected
from pipelines.derive.engine import LOCK, Engine
from pipelines.derive.job import Derived, catalogue
from pipelines.retention import archive_begins_at

log = logging.getLogger("pipelines.derive")

SLICE_EVENTS = 200_000
"""About so many events are looked at together: what a slice's temporary tables hold."""

_MARGIN = timedelta(days=2)
"""Before ``since``, days are looked at whose sessions and steps may reach over it."""

_TEMPORARY = (
    "fresh, told, touched, learner_minute, item_now, time_step, run, session_now, "
    "learner_course_before, learner_course_told, offer_before, offer_touched, due"
)
_EVERYBODY = """
CREATE TEMP TABLE everybody ON COMMIT DROP AS
SELECT DISTINCT user_id, abs(hashtextextended(user_id::text, 0)) %% %(slices)s AS slice
FROM activity_events
WHERE user_id IS NOT NULL AND batch_no <= %(upto)s AND timestamp >= %(since)s
"""


def begin(engine: Engine) -> None:
    """Derive what was archived before the archive told of its batches; else nothing."""
    if engine.connection.execute("SELECT true FROM derive_position").fetchone():
        return
    with engine.connection.transaction():
        engine.connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if engine.connection.execute("SELECT true FROM derive_position").fetchone():
            return
        if engine.connection.execute(
            "SELECT true FROM activity_events WHERE batch_no = 0 LIMIT 1"
        ).fetchone():
            log.info("deriving the archive as it was before: this is done once")
            _build(engine, list(catalogue().values()), 0, None)
        engine.connection.execute("INSERT INTO derive_position (done_batch_no) VALUES (0)")


def rebuild(
    names: Sequence[str], since: datetime | None = None, engine: Engine | None = None
) -> dict[str, int]:
    """Make the tables of the named jobs again (no names: all); returns rows by table.

    With ``since``, only buckets from that moment on; so it is too where the archive does not go
    back to the beginning any more. Raises ``Rejected`` where a table of the jobs is not kept by
    time.
    """
    jobs = _ordered(names)
    own = engine or Engine()
    try:
        with own.connection.transaction():
            own.connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            begins_at = archive_begins_at(own.connection)
            whole = [
                (job, table)
                for job in jobs
                for table, column in job.tables.items()
                if column is None
            ]
            for job, table in whole:
                if since is not None:
                    raise Rejected(
                        f"{table} is not kept by time: rebuild {job.name} without --since",
                        job=job.name,
                    )
                if begins_at is not None:
                    raise Rejected(
                        f"{table} is not kept by time, and the archive begins at {begins_at:%F} "
                        f"(LMS_ARCHIVE_RETENTION_DAYS): {job.name} cannot be made again",
                        job=job.name,
                    )
            if begins_at is not None:
                since = max(filter(None, (since, begins_at + _MARGIN)))
            return _build(own, jobs, own.position(), since)
    finally:
        if engine is None:
            own.close()


def _ordered(names: Sequence[str]) -> list[Derived]:
    """The jobs, each after those it needs; a job's readers are made again with it."""
    known = catalogue()
    wanted = set(names or known)
    wanted |= {job.name for job in known.values() if wanted & set(job.needs)}
    jobs = [known[name] for name in known if name in wanted]
    return sorted(jobs, key=lambda job: bool(job.needs))


def _build(
    engine: Engine, jobs: Sequence[Derived], upto: int, since: datetime | None
) -> dict[str, int]:
    connection = engine.connection
    tables = {table: column for job in jobs for table, column in job.tables.items()}
    queues = [job.due for job in jobs if job.due]
    for table in (*tables, *queues):
        connection.execute(
            f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL)".encode()
        )
    parameters = engine.parameters(-1, upto)
    count = connection.execute(
        "SELECT count(*) FROM activity_events WHERE batch_no <= %s", (upto,)
    ).fetchone()
    slices = (count[0] if count else 0) // SLICE_EVENTS + 1
    start = since - _MARGIN if since else datetime(1, 1, 1, tzinfo=UTC)
    connection.execute(_EVERYBODY.encode(), {"slices": slices, "upto": upto, "since": start})
    connection.execute("CREATE INDEX ON everybody (slice)")
    stepwise = [job for job in jobs if job.due is None]
    for number in range(slices):
        connection.execute(f"TRUNCATE {_TEMPORARY}".encode())
        parameters |= {"slice": number, "since": start}
        engine.look(parameters, SLICE_EVENTS, "see_slice", *(() if number else ("see_loose",)))
        engine.apply(stepwise, parameters)
    for job in jobs:
        if job.all_due is not None:
            connection.execute(f"TRUNCATE due; INSERT INTO due {job.all_due}".encode())
            engine.apply([job], parameters)
    rows = {table: _swap(engine, table, column, since) for table, column in tables.items()}
    fresh = ", ".join(f"pg_temp.{table}" for table in (*tables, *queues))
    connection.execute(f"DROP TABLE {fresh}, everybody".encode())
    return rows


def _swap(engine: Engine, table: str, column: str | None, since: datetime | None) -> int:
    """Old rows out, new rows in; whoever reads meanwhile reads the old ones."""
    listed = engine.connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        (table,),
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in listed)
    part: sql.Composable = sql.SQL("")
    if since is not None and column is not None:
        part = sql.SQL(" WHERE {} >= {}").format(sql.Identifier(column), sql.Literal(since))
    public, fresh = sql.Identifier("public", table), sql.Identifier("pg_temp", table)
    engine.connection.execute(sql.SQL("DELETE FROM {}{}").format(public, part))
    return engine.connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
            public, columns, columns, fresh, part
        )
    ).rowcount
