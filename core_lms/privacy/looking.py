"""Looks into every table of the LMS for a person and for words that would tell who it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from core_lms.privacy.keeping import KEEPING
from core_lms.privacy.tables import STATEMENTS, tables_of

_READABLE = ("text", "character varying", "character", "json", "jsonb", "text[]", "tsvector")


@dataclass(frozen=True, slots=True)
class Sight:
    """How many rows of a table are the person's, and what becomes of them when forgotten."""

    table: str
    rows: int
    becomes: str


@dataclass(frozen=True, slots=True)
class Found:
    """A word in the clear: where, and in how many rows."""

    table: str
    column: str
    rows: int


def rows_of(connection: psycopg.Connection[dict[str, Any]], user_id: object) -> Iterator[Sight]:
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
            becomes = f"kept: {KEEPING[table.name].why}"
        else:
            becomes = "deleted"
        yield Sight(table.name, row["rows"], becomes)


def words_in_the_clear(
    connection: psycopg.Connection[dict[str, Any]], words: Sequence[str]
) -> list[Found]:
    """Every column of every table in which one of ``words`` can be read; bytes as well as text."""
    by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(STATEMENTS["columns"]).fetchall():
        by_table[row["table"]].append(row)
    patterns = [f"%{_escaped(word)}%" for word in words if word]
    raw = [word.encode() for word in words if word]
    found = []
    for table, columns in by_table.items():
        counts = [_count(row["column"], row["type"]) for row in columns]
        parts = [part for part in counts if part is not None]
        if not parts or not patterns:
            continue
        counted = connection.execute(
            sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(parts), sql.Identifier(table)),
            {"patterns": patterns, "raw": raw},
        ).fetchone()
        found += [Found(table, name, rows) for name, rows in (counted or {}).items() if rows]
    return found


def _count(column: str, type_: str) -> sql.Composable | None:
    name = sql.Identifier(column)
    if type_ in _READABLE:
        condition = sql.SQL("{}::text ILIKE ANY (%(patterns)s)").format(name)
    elif type_ == "bytea":
        condition = sql.SQL(
            "EXISTS (SELECT FROM unnest(%(raw)s::bytea[]) AS word WHERE position(word IN {}) > 0)"
        ).format(name)
    else:
        return None
    return sql.SQL("count(*) FILTER (WHERE {}) AS {}").format(condition, name)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
