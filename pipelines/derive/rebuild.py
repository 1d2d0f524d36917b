"""Rebuilds derived tables from the archive with the jobs' own statements, then swaps the rows.

The new rows are made in temporary tables of the same names, which come first in every search path:
learner by learner, as one step to which every event is new. All of it is one transaction under the
steps' lock: readers see the old rows until they see the new ones, and the derivation waits
meanwhile. Nobody has to own a table for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from psycopg import sql

from contracts.errors import Rejected
from pipelines.derive.engine import LOCK, Engine
from pipelines.derive.job import Derived, catalogue
from pipelines.derive.tables import Table
from pipelines.retention import archive_begins_at

log = logging.getLogger("pipelines.derive")

SLICE_EVENTS = 200_000
"""About so many events are loaded together: what a slice's temporary tables hold."""

_MARGIN = timedelta(days=2)
"""How long before ``since`` events are loaded: sessions and time on task may reach over it."""

_EVERYBODY = """
CREATE TEMP TABLE everybody ON COMMIT DROP AS
SELECT DISTINCT user_id, abs(hashtextextended(user_id::text, 0)) %% %(slices)s AS slice
FROM activity_events
WHERE user_id IS NOT NULL AND batch_no <= %(upto)s AND timestamp >= %(since)s
"""

_BEGIN = """
INSERT INTO derive_position (done_batch_no, content_events)
SELECT 0, count(*) FROM activity_events
WHERE batch_no = 0 AND topic = 'lms.content.events' AND user_id IS NOT NULL
"""


def begin(engine: Engine) -> None:
    """Derive what was archived before the archive had batches; else do nothing."""
    if engine.connection.execute("SELECT true FROM derive_position").fetchone():
        return
    with engine.connection.transaction():
        engine.connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if engine.connection.execute("SELECT true FROM derive_position").fetchone():
            return
        if engine.connection.execute(
            "SELECT true FROM activity_events WHERE batch_no = 0 LIMIT 1"
        ).fetchone():
            log.info("deriving the whole archive: this is done once")
            _build(engine, list(catalogue().values()), 0, None)
        engine.connection.execute(_BEGIN)


def rebuild(
    names: Sequence[str], since: datetime | None = None, engine: Engine | None = None
) -> dict[str, int]:
    """Rebuild the tables of the named jobs (no names: all); returns rows by table.

    With ``since``, or where the archive no longer goes back to the beginning, only buckets from
    then on. Raises ``Rejected`` where a table of the jobs is not kept by time.
    """
    jobs = _ordered(names)
    own = engine or Engine()
    try:
        with own.connection.transaction():
            own.connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            begins_at = archive_begins_at(own.connection)
            for job in jobs:
                _refuse_parts(job, since, begins_at)
            if begins_at is not None:
                since = max(filter(None, (since, begins_at + _MARGIN)))
            return _build(own, jobs, own.position(), since)
    finally:
        if engine is None:
            own.close()


def _ordered(names: Sequence[str]) -> list[Derived]:
    """The jobs in the order of a step; whoever keeps tables made of theirs is rebuilt with them."""
    known = catalogue()
    wanted = set(names or known)
    for job in known.values():
        if job.tables and wanted & job.needs:
            wanted.add(job.name)
    return [job for job in known.values() if job.name in wanted]


def _refuse_parts(job: Derived, since: datetime | None, begins_at: datetime | None) -> None:
    for table in job.tables:
        if table.time is not None:
            continue
        if since is not None:
            raise Rejected(
                f"{table.name} is not kept by time: rebuild {job.name} without --since",
                job=job.name,
            )
        if begins_at is not None:
            raise Rejected(
                f"{table.name} is not kept by time, and the archive begins at {begins_at:%F} "
                f"(LMS_ARCHIVE_RETENTION_DAYS): {job.name} cannot be rebuilt",
                job=job.name,
            )


def _build(
    engine: Engine, jobs: Sequence[Derived], upto: int, since: datetime | None
) -> dict[str, int]:
    connection = engine.connection
    tables = [table for job in jobs for table in job.tables]
    shadowed = [*(table.name for table in tables), *(job.due for job in jobs if job.due)]
    for table in shadowed:
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
        engine.empty()
        parameters |= {"slice": number, "since": start}
        sources = ("events_of_slice", *(() if number else ("events_without_learner",)))
        engine.load_inputs(parameters, SLICE_EVENTS, *sources)
        engine.run(stepwise, parameters)
    for job in jobs:
        if job.all_due is not None:
            connection.execute(f"TRUNCATE due; INSERT INTO due {job.all_due}".encode())
            engine.run([job], parameters)
    rows = {table.name: _swap(engine, table, since) for table in tables}
    shadows = ", ".join(f"pg_temp.{table}" for table in shadowed)
    connection.execute(f"DROP TABLE {shadows}, everybody".encode())
    return rows


def _swap(engine: Engine, table: Table, since: datetime | None) -> int:
    """Old rows out, new rows in; whoever reads meanwhile reads the old ones."""
    columns = sql.SQL(", ").join(
        sql.Identifier(name) for name, column in table.columns.items() if not column.generated
    )
    rows: sql.Composable = sql.SQL("")
    if since is not None and table.time is not None:
        rows = sql.SQL(" WHERE {} >= {}").format(sql.Identifier(table.time), sql.Literal(since))
    public, shadow = sql.Identifier("public", table.name), sql.Identifier("pg_temp", table.name)
    engine.connection.execute(sql.SQL("DELETE FROM {}{}").format(public, rows))
    return engine.connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
            public, columns, columns, shadow, rows
        )
    ).rowcount
