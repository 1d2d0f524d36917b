"""Who teaches a course beside its first instructor: roles whose scope is the course."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core_lms.courses import service
from core_lms.courses.repository import SQL
from core_lms.courses.schemas import Instructor, NewInstructor
from core_lms.idempotency import claim
from core_lms.unit import Unit, found
from core_lms.users import service as users
from gateway.errors import Conflict, NotFound


async def of(unit: Unit, course_id: UUID) -> dict[str, Any]:
    """Everybody who teaches the course, the first instructor first."""
    await service.get(unit, course_id)
    items = await unit.all(Instructor, SQL["instructors"], id=course_id)
    return {"course_id": course_id, "items": items}


async def add(unit: Unit, course_id: UUID, new: NewInstructor) -> Instructor:
    """Somebody of the staff teaches the course too; emits ``course.updated``."""
    id_ = await claim(unit, "instructor", new, course_id)
    nobody = f"user {new.user_id} does not teach course {course_id}"
    if unit.repeated:
        row = await unit.one(Instructor, SQL["added_instructor"], id=id_)
        return found(row, nobody)
    course = await service.changeable(unit, course_id)
    await users.staff(unit, new.user_id, "user_id")
    if str(course.instructor_id) == new.user_id:
        raise Conflict(f"user {new.user_id} is the first instructor of course {course_id}")
    who = {"course_id": course_id, "user_id": new.user_id}
    unit.conflicts(f"user {new.user_id} teaches course {course_id} already")
    row = await unit.one(Instructor, SQL["add_instructor"], id=id_, **who)
    await service.structure_changed(unit, course_id)
    return found(row, nobody)


async def remove(unit: Unit, course_id: UUID, user_id: UUID) -> None:
    """Whom the course itself names cannot be removed, only replaced by changing the course."""
    course = await service.changeable(unit, course_id)
    if course.instructor_id == user_id:
        raise Conflict(
            f"user {user_id} is the first instructor of course {course_id}: name another one by "
            "changing the course's instructor_id"
        )
    who = {"course_id": course_id, "user_id": user_id}
    if not await unit.execute(SQL["remove_instructor"], **who):
        raise NotFound(f"user {user_id} does not teach course {course_id}")
    await service.structure_changed(unit, course_id)
