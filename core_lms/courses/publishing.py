"""What a course needs before learners may see it, and the ways from draft to published and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.events.courses import CourseArchived, CoursePublished, CourseUnpublished
from core_lms.courses import service, structure
from core_lms.courses.repository import SQL, Readiness
from core_lms.courses.schemas import Course
from core_lms.unit import Unit
from gateway.errors import Conflict


async def readiness(unit: Unit, id_: UUID) -> dict[str, Any]:
    """Whether a course could be published now, and what is missing."""
    row = await service.get(unit, id_)
    missing = await _missing(unit, row)
    return {"course_id": id_, "ready": not missing, "missing": missing}


async def publish(unit: Unit, id_: UUID) -> Course:
    """Open a course to learners; a published one stays as it is.

    Raises ``Conflict`` for an archived course, and for one that lacks something, naming it.
    """
    row = await service.locked(unit, id_)
    if row.status == "published":
        return row
    if row.status == "archived":
        raise Conflict(f"course {id_} is archived")
    missing = await _missing(unit, row)
    if missing:
        raise Conflict(
            f"course {id_} cannot be published yet: {'; '.join(missing)}", missing=missing
        )
    return await service.move(unit, row, "published", CoursePublished(course_id=str(id_)))


async def unpublish(unit: Unit, id_: UUID) -> Course:
    """Back to a draft, as long as nobody has enrolled; then a course can only be archived."""
    row = await service.locked(unit, id_)
    if row.status == "draft":
        return row
    if row.status == "archived":
        raise Conflict(f"course {id_} is archived")
    if await unit.value(SQL["has_learners"], id=id_):
        raise Conflict(
            f"course {id_} has learners: what they did stays, so it can be archived but not "
            "become a draft again"
        )
    return await service.move(unit, row, "draft", CourseUnpublished(course_id=str(id_)))


async def archive(unit: Unit, id_: UUID) -> Course:
    """Close a course; an archived one stays as it is."""
    row = await service.locked(unit, id_)
    return await service.move(unit, row, "archived", CourseArchived(course_id=str(id_)))


async def _missing(unit: Unit, course: Course) -> list[str]:
    what = f"course {course.id}"
    facts = await unit.need(Readiness, SQL["readiness"], what, id=course.id)
    missing = []
    if facts.contents == 0:
        missing.append("it has no items and no assessments")
    if facts.instructor_status != "active":
        missing.append(f"instructor {course.instructor_id} is {facts.instructor_status}")
    if facts.instructor_role == "student":
        missing.append(f"instructor {course.instructor_id} is a student")
    if course.ends_at is not None and course.ends_at <= datetime.now(UTC):
        missing.append("ends_at lies in the past")
    missing += [f"prerequisite {before['id']} is {before['status']}" for before in facts.closed]
    return missing + await structure.missing(unit, course.id)
