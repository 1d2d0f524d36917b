"""Both databases: every row of every table as PostgreSQL sends it, then the bytes of its files.

A row that was changed or deleted is on disk until it is vacuumed, and its bytes are until the page
is written over. Files are searched where this process may read them; the write-ahead log is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from core_lms.privacy.stores.files import times_in
from core_lms.privacy.stores.trace import Trace, Wanted
from stack import postgres
from stack.queries import load

DATABASES: dict[str, Callable[..., psycopg.Connection[Any]]] = {
    "lms": postgres.connect_lms,
    "analytics": postgres.connect_analytics,
}
PASSING = {
    ("lms", "public.erasures"): "until every store has moved the person: a minute",
    ("lms", "public.outbox"): "until the relay has published it: seconds",
    ("lms", "public.webhook_deliveries"): "until it is delivered or given up",
    ("analytics", "public.archive_duplicates"): "until the jobs have read them: seconds",
}
"""Where the old id may stand after an erasure, and for how long."""
STATISTICS = "pg_catalog.pg_stats"
ANALYZED = "until its table is analyzed: a sample of the planner's"
OVERWRITTEN = "until the page is written over, or VACUUM FULL of the table"

_sql = load(__file__, "databases.sql")


def search(wanted: Wanted) -> Iterator[Trace]:
    for name, connect in DATABASES.items():
        with connect(autocommit=True) as connection:
            found = set()
            for schema, table, kind in connection.execute(_sql["tables"]).fetchall():
                rows = _rows(connection, schema, table, kind, wanted)
                if rows:
                    place = f"{schema}.{table}"
                    found.add(place)
                    until = ANALYZED if place == STATISTICS else PASSING.get((name, place))
                    yield Trace(f"database {name}", place, rows, until)
            yield from _files(connection, name, wanted, found)


def _rows(
    connection: psycopg.Connection[Any], schema: str, table: str, kind: str, wanted: Wanted
) -> int:
    shown = sql.SQL("*")
    if kind == "v":  # of the statistics, whose values are of any type
        shown = sql.SQL("schemaname, tablename, most_common_vals::text, histogram_bounds::text")
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(
        shown, sql.Identifier(schema, table)
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        return sum(
            wanted.within(bytes(row)) for row in copy
        )  # a row is one message of the protocol


def _files(
    connection: psycopg.Connection[Any], name: str, wanted: Wanted, found: set[str]
) -> Iterator[Trace]:
    row = connection.execute("SHOW data_directory").fetchone()
    folder = Path(row[0]) if row else Path()
    if not os.access(folder, os.R_OK | os.X_OK):
        return
    connection.execute("CHECKPOINT")  # what is in memory only is on disk then
    for relation, table, path in connection.execute(_sql["files"]).fetchall():
        # A large table is several files.
        files = [folder / path, *folder.glob(f"{path}.*")]
        count = sum(times_in(file, wanted) for file in files)
        if count and table not in found:
            yield Trace(f"files of {name}", f"{relation} ({path})", count, OVERWRITTEN)
