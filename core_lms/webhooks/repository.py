"""Webhooks and their deliveries in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow

from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

sql = load(__file__)


async def one(unit: Unit, query: str, /, **values: Any) -> DictRow | None:
    """The row that a statement of ``queries.sql`` gives or changes."""
    await unit.cursor.execute(sql[query], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def rows(unit: Unit, query: str, /, **values: Any) -> list[DictRow]:
    await unit.cursor.execute(sql[query], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchall()


async def execute(unit: Unit, query: str, /, **values: Any) -> int:
    """Run a statement that returns no rows; how many it changed."""
    cursor = await unit.cursor.execute(
        sql[query], {"institution_id": unit.institution_id, **values}
    )
    return cursor.rowcount


async def page(
    unit: Unit, query: str, after: After | None, limit: int, **values: Any
) -> list[DictRow]:
    return await rows(
        unit,
        query,
        after_first=after and after.first,
        after_id=after and after.id,
        rows=limit,
        **values,
    )
