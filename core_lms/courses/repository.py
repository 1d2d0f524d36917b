"""Courses in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from core_lms.courses.schemas import CourseStatus, NewCourse
from core_lms.pages import After
from core_lms.queries import load
from core_lms.work import Unit

_sql = load(__file__)


async def _one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def insert(unit: Unit, id_: str, course: NewCourse) -> DictRow | None:
    values = course.model_dump()
    values["created_by"] = course.created_by or course.instructor_id
    values["metadata"] = Jsonb(course.metadata)
    return await _one(unit, "insert", id=id_, **values)


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def lock(unit: Unit, id_: object) -> DictRow | None:
    """The course, not to be changed by others until we commit."""
    return await _one(unit, "lock", id=id_)


async def hold(unit: Unit, id_: object) -> DictRow | None:
    """The course, kept in its present status until we commit."""
    return await _one(unit, "hold", id=id_)


async def change(
    unit: Unit, id_: object, title: str, description: str | None, metadata: dict[str, Any]
) -> DictRow | None:
    return await _one(
        unit, "change", id=id_, title=title, description=description, metadata=Jsonb(metadata)
    )


async def set_status(unit: Unit, id_: object, status: CourseStatus) -> DictRow | None:
    return await _one(unit, "set_status", id=id_, status=status)


async def touch(unit: Unit, id_: object) -> None:
    await unit.cursor.execute(_sql["touch"], {"id": id_})


async def page(
    unit: Unit, after: After | None, rows: int, status: CourseStatus | None
) -> list[DictRow]:
    values = {
        "institution_id": unit.institution_id,
        "status": status,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql["list"], values)
    return await unit.cursor.fetchall()
