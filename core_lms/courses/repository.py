"""Courses in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from core_lms.courses.schemas import CourseStatus
from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)
GET = _sql["get"]

PREREQUISITES_LOCK = 0x4C4D5305
"""First half of the advisory lock of whoever writes prerequisites; the second is the tenant's."""


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def _all(unit: Unit, name: str, /, **values: Any) -> list[DictRow]:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchall()


async def insert(unit: Unit, id_: str, **values: Any) -> DictRow | None:
    return await _one(unit, "insert", id=id_, **values | {"metadata": Jsonb(values["metadata"])})


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def lock(unit: Unit, id_: object) -> DictRow | None:
    """The course, not to be changed by others until we commit."""
    return await _one(unit, "lock", id=id_)


async def lock_shared(unit: Unit, id_: object) -> DictRow | None:
    """The course, kept in its present status until we commit."""
    return await _one(unit, "lock_shared", id=id_)


async def change(unit: Unit, id_: object, **values: Any) -> DictRow | None:
    return await _one(unit, "change", id=id_, **values | {"metadata": Jsonb(values["metadata"])})


async def set_status(unit: Unit, id_: object, status: CourseStatus) -> DictRow | None:
    return await _one(unit, "set_status", id=id_, status=status)


async def touch(unit: Unit, id_: object) -> None:
    await unit.cursor.execute(_sql["touch"], {"id": id_})


async def page(
    unit: Unit,
    after: After | None,
    rows: int,
    *,
    status: CourseStatus | None,
    tags: list[str] | None,
    sees_all: bool,
    q: str | None,
) -> list[DictRow]:
    """In order of creation, or with ``q`` the best first (``rank`` is in the rows then)."""
    return await _all(
        unit,
        "list" if q is None else "search",
        status=status,
        tags=tags,
        sees_all=sees_all,
        q=q,
        caller_id=unit.caller.user_id,
        after_first=after and after.first,
        after_id=after and after.id,
        rows=rows,
    )


async def readiness(unit: Unit, id_: object) -> DictRow | None:
    """``contents``, ``instructor_status``, ``instructor_role``, ``closed``."""
    return await _one(unit, "readiness", id=id_)


async def has_learners(unit: Unit, id_: object) -> bool:
    """Whether anybody ever enrolled or waits."""
    row = await _one(unit, "has_learners", id=id_)
    return bool(row and row["any"])


async def instructors(unit: Unit, id_: object) -> list[DictRow]:
    return await _all(unit, "instructors", id=id_)


async def add_instructor(
    unit: Unit, id_: str, course_id: object, user_id: object
) -> DictRow | None:
    return await _one(unit, "add_instructor", id=id_, course_id=course_id, user_id=user_id)


async def added_instructor(unit: Unit, id_: str) -> DictRow | None:
    return await _one(unit, "added_instructor", id=id_)


async def remove_instructor(unit: Unit, course_id: object, user_id: object) -> bool:
    values = {
        "course_id": course_id,
        "user_id": user_id,
        "institution_id": unit.institution_id,
    }
    cursor = await unit.cursor.execute(_sql["remove_instructor"], values)
    return cursor.rowcount == 1


async def lock_prerequisites(unit: Unit) -> None:
    """Be the only one in the institution who writes prerequisites, until we commit."""
    await _one(unit, "lock_prerequisites", lock_class=PREREQUISITES_LOCK)


async def prerequisites(unit: Unit, course_id: object) -> list[str]:
    return [str(row["id"]) for row in await _all(unit, "prerequisites", course_id=course_id)]


async def known(unit: Unit, ids: list[str]) -> set[str]:
    return {str(row["id"]) for row in await _all(unit, "known", ids=ids)}


async def set_prerequisites(unit: Unit, course_id: object, ids: list[str]) -> None:
    await unit.cursor.execute(_sql["clear_prerequisites"], {"course_id": course_id})
    values = {"course_id": course_id, "ids": ids, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["add_prerequisites"], values)


async def required_of(unit: Unit, course_id: object) -> list[tuple[str, str]]:
    """Every (course, required course) that the course leads to."""
    rows = await _all(unit, "required_of", course_id=course_id)
    return [(row["course_id"], row["requires_course_id"]) for row in rows]
