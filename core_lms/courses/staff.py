"""Who teaches a course beside its first instructor: roles whose scope is the course."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from core_lms.courses import repository, service
from core_lms.courses.schemas import NewInstructor
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import Conflict, NotFound


async def of(unit: Unit, course_id: UUID) -> dict[str, Any]:
    """Everybody who teaches the course, the first instructor first."""
    await service.get(unit, course_id)
    return {"course_id": course_id, "items": await repository.instructors(unit, course_id)}


async def add(unit: Unit, course_id: UUID, new: NewInstructor) -> tuple[DictRow, bool]:
    """Somebody of the staff teaches the course too; emits ``course.updated``."""
    id_, repeated = await claim(unit, "instructor", new, course_id)
    if repeated:
        row = await repository.added_instructor(unit, id_)
        return _found(row, course_id, new.user_id), False
    course = await service.changeable(unit, course_id)
    await users.staff(unit, new.user_id, "user_id")
    if str(course["instructor_id"]) == new.user_id:
        raise Conflict(f"user {new.user_id} is the first instructor of course {course_id}")
    try:
        row = await repository.add_instructor(unit, id_, course_id, new.user_id)
    except UniqueViolation:
        raise Conflict(f"user {new.user_id} teaches course {course_id} already") from None
    await service.structure_changed(unit, course_id)
    return _found(row, course_id, new.user_id), True


async def remove(unit: Unit, course_id: UUID, user_id: UUID) -> None:
    """Whom the course itself names cannot be removed, only replaced by changing the course."""
    course = await service.changeable(unit, course_id)
    if course["instructor_id"] == user_id:
        raise Conflict(
            f"user {user_id} is the first instructor of course {course_id}: name another one by "
            "changing the course's instructor_id"
        )
    if not await repository.remove_instructor(unit, course_id, user_id):
        raise NotFound(f"user {user_id} does not teach course {course_id}")
    await service.structure_changed(unit, course_id)


def _found(row: DictRow | None, course_id: UUID, user_id: str) -> DictRow:
    if row is None:
        raise NotFound(f"user {user_id} does not teach course {course_id}")
    return row
