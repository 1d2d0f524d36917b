"""Searches for a person in the bytes of every store, and in the tables of the LMS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from core_lms.privacy.keeping import KEEPING
from core_lms.privacy.stores import databases, files, redis_, topics, vectors
from core_lms.privacy.stores.trace import Trace, Wanted
from core_lms.privacy.tables import STATEMENTS, tables_of

STORES: dict[str, Callable[[Wanted], Iterator[Trace]]] = {
    "both databases": databases.search,
    "Redis": redis_.search,
    "Kafka": topics.search,
    "Qdrant": vectors.search,
    "artefacts, logs and other files": files.search,
}


@dataclass(frozen=True, slots=True)
class TableCount:
    """How many rows of a table are the person's, and what becomes of them when erased."""

    table: str
    rows: int
    becomes: str


def rows_of(
    connection: psycopg.Connection[dict[str, Any]], user_id: object
) -> Iterator[TableCount]:
    """Every table that can hold the person. ``connection`` is the owner's: it sees all tenants."""
    keys = connection.execute(STATEMENTS["foreign_keys"]).fetchall()
    columns = connection.execute(STATEMENTS["columns"]).fetchall()
    for table in tables_of(keys, columns):
        row = connection.execute(
            sql.SQL("SELECT count(*) AS rows FROM {} WHERE {}").format(
                sql.Identifier(table.name), table.where
            ),
            {"user_id": user_id},
        ).fetchone()
        assert row is not None
        if not table.owned:
            becomes = f"mentions them: {', '.join(table.mentions)}"
        elif table.name in KEEPING:
            becomes = f"kept under another id: {KEEPING[table.name].why}"
        else:
            becomes = "deleted"
        yield TableCount(table.name, row["rows"], becomes)


def traces(wanted: Wanted, say: Callable[[str], None] = lambda what: None) -> Iterator[Trace]:
    """Everything that is found, store by store. Raises ``Retryable`` where one is away."""
    for name, search in STORES.items():
        say(f"searching {name}")
        yield from search(wanted)
