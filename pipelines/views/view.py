"""A view that people read: made from the table's declaration, or declared by an SQL file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import Misconfigured
from pipelines.derive.tables import PERSON, Column, Sums, Table
from pipelines.views.meanings import MEANINGS, unit

PART = "part"
"""Numbers partial sums: how a table is stored, and so in no view."""
_SUMMABLE = ("bigint", "numeric", "double precision")
_NO_SUM = re.compile(
    r"(^|_)(min|max|mean|avg|median|rate|share|ratio|least|most|first|last|newest|oldest|distinct"
    r"|learners|percent|p\d+)(_|$)"
)
"""Names of numbers that are wrong when they are added."""
_HEADER = re.compile(r"-- (about|source|key|column (?P<name>\w+) (?P<type>[a-z \[\]]+)): ?(.*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of a view: PostgreSQL's name of its type, and what is said of it."""

    type: str
    about: str
    unit: str | None

    @property
    def comment(self) -> str:
        return f"{self.about} ({self.unit})" if self.unit else self.about


@dataclass(frozen=True)
class View:
    """``sql`` is its query over stored tables; ``source`` the job, or what else writes them."""

    name: str
    about: str
    source: str
    key: tuple[str, ...]
    columns: Mapping[str, Shown]
    sql: str

    @property
    def comment(self) -> str:
        return f"{self.about}. Source: {self.source}. One row per {', '.join(self.key)}."

    @property
    def readers(self) -> list[str]:
        """Whose scope finds rows here, by its columns (``readers.sql``)."""
        uuids = {name for name, column in self.columns.items() if column.type == "uuid"}
        scopes = {
            "administrators of the institution": {"institution_id"},
            "teachers of the course": {"institution_id", "course_id"},
            "the learner": {"institution_id", PERSON},
        }
        return [
            "administrators of the installation",
            *(who for who, needs in scopes.items() if needs <= uuids),
        ]


def of_table(table: Table, source: str) -> View:
    """The view of a table that a job declares; raises ``Misconfigured`` where a column cannot be
    merged over parts by rule and its line does not say how."""
    key = tuple(name for name in table.key if name != PART)
    names = [name for name in table.columns if name != PART]
    lines = [name if name in key else _merged(table, name) for name in names]
    if PART not in table.key:
        lines = names
    query = f"SELECT {', '.join(lines)} FROM public.{table.name}"
    if PART in table.key:
        query += f" GROUP BY {', '.join(key)}"
    columns = {name: _shown(table.name, name, table.columns[name]) for name in names}
    if table.sums:
        query = _with_sums(table, table.sums, names)
        columns |= {name: _sum_shown(table, table.sums, name) for name in table.sums.columns}
    about = table.about.removesuffix(", in partial sums")
    return View(table.name, about, source, key, columns, query)


def merge(name: str, column: Column) -> str | None:
    """How the parts of a column are put together: as its line says (``-- (max) …``), else the first
    of ``first_…at``, the last of ``last_…at``, and the sum of a number that is never empty and
    whose name promises nothing else. None: the line has to say it.
    """
    if column.merge or column.generated:
        return column.merge
    if column.type == "timestamp with time zone":
        found = re.fullmatch(r"(first|last)_(\w+_)?at", name)
        return {"first": "min", "last": "max"}[found[1]] if found else None
    counts = column.type in _SUMMABLE and "NOT NULL" in column.sql
    return "sum" if counts and not _NO_SUM.search(name) else None


def _merged(table: Table, name: str) -> str:
    if PART not in table.key:
        return name
    column = table.columns[name]
    how = merge(name, column)
    if how is None:
        raise Misconfigured(
            f"{table.name}.{name}: write how its parts are put together, `-- (sum) …`, `(min)` or "
            "`(max)`; what is none of them does not belong in partial sums",
            table=table.name,
        )
    # A sum of whole numbers is numeric to PostgreSQL: readers get the type of the table.
    return f"{how}({name})::{column.type} AS {name}"


def _with_sums(table: Table, sums: Sums, names: list[str]) -> str:
    """Subqueries, so that a column that is not read costs nothing."""
    same = [f"s.{name} = t.{name}" for name in table.key if name != table.time]
    same.append(f"s.{sums.time} >= t.{table.time}")
    same.append(f"s.{sums.time} < t.{table.time} + INTERVAL '{sums.span}'")
    lines = [f"t.{name}" for name in names]
    lines += [
        f"(SELECT coalesce(sum(s.{name}), 0) FROM public.{sums.table} AS s "
        f"WHERE {' AND '.join(same)})::bigint AS {name}"
        for name in sums.columns
    ]
    return f"SELECT {', '.join(lines)} FROM public.{table.name} AS t"


def _sum_shown(table: Table, sums: Sums, name: str) -> Shown:
    shown = _about(table.name, name, "bigint", None)
    return replace(shown, about=f"{shown.about}; summed by {sums.table}, so of another moment")


def _shown(table: str, name: str, column: Column) -> Shown:
    return _about(table, name, column.type, column.about)


def _about(view: str, name: str, type_: str, about: str | None) -> Shown:
    found = about or MEANINGS.get(name)
    if not found:
        raise Misconfigured(
            f"{view}.{name} has no comment: say on its line what it is (`-- …`)", table=view
        )
    said = unit(name, type_)
    # "start of the day (UTC)" says it itself.
    return Shown(type_, found, None if found.endswith(")") else said)


def read(path: Path) -> View:
    """The view of a file of ``declared``: a header of ``-- about:``, ``source:``, ``key:`` and
    ``-- column NAME TYPE: …`` for each column, then the query.

    Raises ``Misconfigured`` naming the file and what it lacks.
    """
    facts: dict[str, str] = {}
    columns: dict[str, Shown] = {}
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    header = [line for line in lines if line.startswith("-- ")]
    for line in header:
        found = _HEADER.fullmatch(line)
        if not found:
            raise Misconfigured(f"{path.name}: {line!r} is no line of a view's header")
        if found["name"]:
            columns[found["name"]] = _about(path.stem, found["name"], found["type"], found[4])
        else:
            facts[found[1]] = found[4]
    if missing := {"about", "source", "key"} - facts.keys():
        raise Misconfigured(f"{path.name}: the header lacks {', '.join(sorted(missing))}")
    query = "\n".join(line for line in lines if line not in header).rstrip(";")
    key = tuple(facts["key"].split(", "))
    return View(path.stem, facts["about"], facts["source"], key, columns, query)
