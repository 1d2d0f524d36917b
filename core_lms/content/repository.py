"""Content items and interactions with them in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from core_lms.content.schemas import NewItem
from core_lms.pages import After
from core_lms.queries import load
from core_lms.work import Unit

_sql = load(__file__)


async def _one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def insert(unit: Unit, id_: str, course_id: object, item: NewItem) -> DictRow | None:
    values = item.model_dump() | {"metadata": Jsonb(item.metadata)}
    return await _one(unit, "insert", id=id_, course_id=course_id, **values)


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def page(unit: Unit, course_id: object, after: After | None, rows: int) -> list[DictRow]:
    values = {
        "course_id": course_id,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql["list"], values)
    return await unit.cursor.fetchall()


async def with_course(unit: Unit, course_id: object, item_id: object) -> DictRow | None:
    """``kind`` of the item and ``course_status``, in one look."""
    return await _one(unit, "with_course", course_id=course_id, item_id=item_id)


async def record(unit: Unit, details: dict[str, Any], **values: Any) -> DictRow | None:
    return await _one(unit, "record", details=Jsonb(details), **values)


async def recorded(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "recorded", id=id_)


async def complete(
    unit: Unit, user_id: str, item_id: object, course_id: object, at: datetime
) -> bool:
    """Whether this is the first time the learner completed the item."""
    values = {"user_id": user_id, "item_id": item_id, "course_id": course_id, "at": at}
    values["institution_id"] = unit.institution_id
    cursor = await unit.cursor.execute(_sql["complete"], values)
    return cursor.rowcount == 1


async def completed_items(unit: Unit, user_id: object) -> list[DictRow]:
    values = {"user_id": user_id, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["completed_items"], values)
    return await unit.cursor.fetchall()
