"""Choices of people about their data, and who may act for them, in Postgres."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from core_lms.sealing import person
from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)


async def rows(unit: Unit, name: str, **values: Any) -> list[DictRow]:
    """What the named statement of ``queries.sql`` returns in the unit's institution."""
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchall()


async def row(unit: Unit, name: str, **values: Any) -> DictRow | None:
    found = await rows(unit, name, **values)
    return found[0] if found else None


async def changed(unit: Unit, name: str, **values: Any) -> bool:
    """Whether the named statement changed a row."""
    cursor = await unit.cursor.execute(
        _sql[name], {"institution_id": unit.institution_id, **values}
    )
    return cursor.rowcount > 0


async def class_list(
    unit: Unit, course_id: UUID, everybody: bool, after: After | None, limit: int
) -> list[dict[str, Any]]:
    found = await rows(
        unit,
        "class_list",
        course_id=course_id,
        everybody=everybody,
        caller_id=unit.caller.user_id,
        after=after and after.first,
        after_id=after and after.id,
        limit=limit + 1,
    )
    opened = [person.opened(one | {"id": one["person_id"]}) for one in found]
    return [clear | {"id": one["id"]} for clear, one in zip(opened, found, strict=True)]
