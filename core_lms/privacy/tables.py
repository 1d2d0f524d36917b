"""Which tables have a person in them, read from the schema itself.

*Owned*: a column ``user_id`` (or ``learner_id``, ``guardian_id``) makes the row the person's; rows
that belong to such a row by a foreign key are theirs as well (the answers of an attempt).
*Mentioned*: any other reference to ``users`` (``graded_by``, ``instructor_id``) says what the
person did in something that is about somebody or something else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncCursor, sql
from psycopg.rows import DictRow

from stack.queries import load

STATEMENTS = load(__file__, "tables.sql")

PEOPLE = "users"
OWNER_COLUMNS = frozenset({"user_id", "learner_id", "guardian_id"})
REGISTERED = {
    "audit_log": sql.SQL("about @> ARRAY[%(user_id)s::uuid]"),
    "audit_queue": None,
    "audit_redactions": None,
    "erasures": None,
}
"""Tables whose rows are found otherwise; None: those that the application cannot read."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its condition for a person's rows; ``depth`` 0 are those with the column."""

    name: str
    columns: Mapping[str, str]
    """Name → type."""
    where: sql.Composable
    owned: bool
    depth: int = 0
    mentions: tuple[str, ...] = ()


async def read(cursor: AsyncCursor[DictRow]) -> list[Table]:
    """The tables of the database the cursor is connected to."""
    await cursor.execute(STATEMENTS["foreign_keys"])
    keys = await cursor.fetchall()
    await cursor.execute(STATEMENTS["columns"])
    return list(tables_of(keys, await cursor.fetchall()))


def tables_of(
    keys: Sequence[Mapping[str, Any]], attributes: Sequence[Mapping[str, Any]]
) -> Iterator[Table]:
    """Every table that can hold a person, parents before their children, then the mentions."""
    types: dict[str, dict[str, str]] = defaultdict(dict)
    for row in attributes:
        types[row["table"]][row["column"]] = row["type"]
    found: dict[str, Table] = {
        PEOPLE: Table(PEOPLE, types[PEOPLE], sql.SQL("id = %(user_id)s::uuid"), owned=True)
    }
    for name, where in REGISTERED.items():
        if where is not None and name in types:
            found[name] = Table(name, types[name], where, owned=True)
    for name, its in types.items():
        owners = [column for column in its if column in OWNER_COLUMNS and its[column] == "uuid"]
        if owners and name not in REGISTERED:
            found[name] = Table(name, its, _is_one_of(owners), owned=True)
    depth = 0
    while True:
        depth += 1
        new = _children(keys, found, types, depth)
        if not new:
            break
        found |= new
    yield from found.values()
    refers = {
        (key["child"], column)
        for key in keys
        if key["parent"] == PEOPLE
        for column in key["columns"]
    }
    for name, its in types.items():
        mentions = [
            column
            for column, type_ in its.items()
            if type_ == "uuid"
            and ((name, column) in refers or column.endswith("_by"))
            and column not in OWNER_COLUMNS
        ]
        if mentions:
            yield _mentioning(name, its, mentions)


def _children(
    keys: Sequence[Mapping[str, Any]],
    found: Mapping[str, Table],
    types: Mapping[str, dict[str, str]],
    depth: int,
) -> dict[str, Table]:
    wheres: dict[str, list[sql.Composable]] = defaultdict(list)
    for key in keys:
        parent = found.get(key["parent"])
        if parent is None or parent.name == PEOPLE or key["child"] in (*found, *REGISTERED):
            continue
        wheres[key["child"]].append(
            sql.SQL("({}) IN (SELECT {} FROM {} WHERE {})").format(
                _listed(key["columns"]),
                _listed(key["parent_columns"]),
                sql.Identifier(parent.name),
                parent.where,
            )
        )
    return {
        name: Table(name, types[name], sql.SQL(" OR ").join(parts), owned=True, depth=depth)
        for name, parts in wheres.items()
    }


def _mentioning(name: str, columns: Mapping[str, str], mentions: list[str]) -> Table:
    shown = {
        column: type_
        for column, type_ in columns.items()
        if column in ("id", "created_at", *mentions)
    }
    return Table(name, shown, _is_one_of(mentions), owned=False, mentions=tuple(mentions))


def _is_one_of(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(" OR ").join(
        sql.SQL("{} = %(user_id)s::uuid").format(sql.Identifier(column)) for column in columns
    )


def _listed(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
