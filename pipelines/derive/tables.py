"""A job's table as declared: its columns, who may read it, and making it where it is missing.

``prepare`` makes a declared table that the database lacks, and keeps the comments. Older tables
were made by migrations and are declared all the same. A table that exists is changed by migration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent
from typing import Any

from psycopg import Connection, sql

from contracts.errors import Misconfigured

PERSON = "user_id"
"""The column that holds a person: erasure renames what it finds there (``columns_of_people``)."""
_UNDER_NEW_ID = (
    "CREATE TRIGGER under_new_id BEFORE INSERT OR UPDATE OF user_id ON {} "
    "FOR EACH ROW EXECUTE FUNCTION under_new_id()"
)
"""Flink knows somebody erased by the old id only (migration 0041)."""
_LINE = re.compile(
    r"(?P<name>\w+)\s+(?P<type>.+?)(\s+-- (\((?P<merge>sum|min|max)\) ?)?(?P<about>.+)?)?"
)
_TYPE = re.compile(r"[a-z ]+(\[\])?")
_FULL = {"timestamptz": "timestamp with time zone"}
_COLUMNS = """
SELECT relname::text, attname::text, format_type(atttypid, atttypmod), attnotnull,
       col_description(attrelid, attnum), obj_description(attrelid, 'pg_class')
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s) AND attnum > 0
  AND NOT attisdropped
ORDER BY relname, attnum
"""


@dataclass(frozen=True, slots=True)
class Column:
    """``sql`` is what follows the name in ``CREATE TABLE``; ``about`` its comment; ``merge`` how
    partial sums of it are put together, where its line says so (``pipelines.views``)."""

    sql: str
    about: str | None = None
    merge: str | None = None

    @property
    def type(self) -> str:
        """As PostgreSQL names it: ``timestamp with time zone``, ``bigint[]``."""
        found = _TYPE.match(self.sql)
        name = found[0].strip() if found else self.sql
        return _FULL.get(name, name)

    @property
    def generated(self) -> bool:
        return "GENERATED" in self.sql


@dataclass(frozen=True, slots=True)
class Sums:
    """What Flink sums over the span of a derived table's row: the table's view has these columns of
    Flink's ``table``, which nobody stores twice. They are of another moment than the row: either
    may be ahead of the other by seconds."""

    table: str
    time: str
    span: str
    """An interval of hours or less: how long a day is depends on the time zone."""
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """``declared`` has a line per column, ``name type [NOT NULL] [-- about]``, as ``CREATE TABLE``;
    a line that is indented further goes on with the one before. ``-- (max) about`` says how the
    column's parts are put together, in a table of partial sums.

    Rows stay when the archive's events are dropped. A column ``user_id`` holds a person.
    """

    name: str
    about: str
    declared: str
    key: tuple[str, ...]
    time: str | None = None
    """The column by which a part of the rows can be rebuilt; None: only the whole table."""
    sums: Sums | None = None
    indexes: tuple[str, ...] = ()
    """Columns of further indexes, for a table that no migration makes: ``("user_id, day",)``."""

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns by name, in the order of the table."""
        text = re.sub(r"\n\s+", " ", dedent(self.declared).strip())
        found = [_LINE.fullmatch(line.strip()) for line in text.splitlines()]
        if None in found:
            raise TypeError(f"{self.name}: a line of its columns is no column")
        return {
            line["name"]: Column(line["type"], line["about"], line["merge"])
            for line in found
            if line
        }

    def create(self) -> list[str]:
        """The statements that make the table."""
        lines = [f"{name} {column.sql}" for name, column in self.columns.items()]
        lines.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return [
            f"CREATE TABLE {self.name} ({', '.join(lines)})",
            *(f"CREATE INDEX ON {self.name} ({columns})" for columns in self.indexes),
            *([_UNDER_NEW_ID.format(self.name)] if {PERSON, "part"} <= set(self.key) else ()),
        ]


def entity_queue(name: str) -> Table:
    """A queue of entities whose feature rows are due. Erasure knows a learner's by the name
    ``learner_…_due``."""
    return Table(
        name,
        "entities whose feature row is due",
        "entity_id uuid NOT NULL\ninstitution_id uuid NOT NULL",
        ("entity_id",),
    )


def prepare(owner: Connection[Any], tables: Iterable[Table]) -> list[str]:
    """Make the tables that are missing, and comment all; returns the names of those made.

    Raises ``Misconfigured`` where a table that exists has other columns than declared.
    """
    declared = {table.name: table for table in tables}
    made = []
    there = _there(owner, declared)
    for name, table in declared.items():
        if name not in there:
            for statement in table.create():
                owner.execute(statement.encode())
            made.append(name)
    there = _there(owner, declared)
    for name, table in declared.items():
        _compare(table, there[name])
        _comment(owner, table, there[name])
    return made


Found = dict[str, tuple[str, bool, str | None, str | None]]
"""Type, NOT NULL, comment, and the table's comment, by column."""


def _there(owner: Connection[Any], names: Iterable[str]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for table, column, *facts in owner.execute(_COLUMNS.encode(), [list(names)]).fetchall():
        found.setdefault(table, {})[column] = tuple(facts)
    return found


def _compare(table: Table, there: Found) -> None:
    wanted = {
        name: (column.type, "NOT NULL" in column.sql) for name, column in table.columns.items()
    }
    found = {name: (type_, not_null) for name, (type_, not_null, *_) in there.items()}
    if wanted != found:
        odd = sorted({name for name, _ in set(wanted.items()) ^ set(found.items())})
        raise Misconfigured(
            f"the table {table.name} is not as its job in pipelines declares it: "
            f"{', '.join(odd)}; write a migration",
            table=table.name,
        )


def _comment(owner: Connection[Any], table: Table, there: Found) -> None:
    name = sql.Identifier(table.name)
    if next(iter(there.values()))[3] != table.about:
        owner.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(table.about)))
    for column, declared in table.columns.items():
        if there[column][2] != declared.about:
            owner.execute(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                    name, sql.Identifier(column), sql.Literal(declared.about)
                )
            )
