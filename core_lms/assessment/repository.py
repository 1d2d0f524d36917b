"""The context's statements: every ``.sql`` file beside this module, each name once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg.rows import DictRow

from core_lms.unit import Unit
from gateway.errors import NotFound
from gateway.pages import After
from stack.queries import load

_FILES = ("queries.sql", "questions.sql", "attempts.sql", "grading.sql")


def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in _FILES:
        more = load(__file__, file)
        if twice := found.keys() & more.keys():
            raise TypeError(f"{Path(__file__).parent / file}: {sorted(twice)} are there already")
        found |= more
    return found


_sql = _statements()


def statement(name: str) -> str:
    """The text of a statement, for whoever sends it together with others."""
    return _sql[name]


async def one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    """The first row of the statement ``name``, or None."""
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def many(unit: Unit, name: str, **values: Any) -> list[DictRow]:
    """The rows of the statement ``name``."""
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchall()


async def run(unit: Unit, name: str, **values: Any) -> int:
    """Execute a statement that returns nothing; how many rows it wrote."""
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return unit.cursor.rowcount


async def page(
    unit: Unit, name: str, after: After | None, rows: int, **values: Any
) -> list[DictRow]:
    """Up to ``rows`` rows of the list ``name`` that come after the cursor."""
    place = {"after_first": after and after.first, "after_id": after and after.id, "rows": rows}
    return await many(unit, name, **place, **values)


async def need(unit: Unit, name: str, what: str, **values: Any) -> DictRow:
    """Like ``one``; raises ``NotFound`` naming ``what`` where there is no row."""
    row = await one(unit, name, **values)
    if row is None:
        raise NotFound(f"there is no {what}")
    return row
