"""The life of a course: draft, published, archived."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.event import Event
from contracts.events.courses import CourseArchived, CourseCreated, CoursePublished, CourseUpdated
from core_lms import pages
from core_lms.courses import repository
from core_lms.courses.schemas import CourseChange, CourseStatus, NewCourse
from core_lms.errors import Conflict, NotFound
from core_lms.idempotency import claim
from core_lms.users import service as users
from core_lms.work import Unit

SOURCE = "course-service"


async def create(unit: Unit, course: NewCourse) -> tuple[DictRow, bool]:
    """The draft and whether it is new."""
    id_, repeated = await claim(unit, "course", course)
    if repeated:
        return await get(unit, id_), False
    await users.staff(unit, course.instructor_id, "instructor_id")
    if course.created_by is not None:
        await users.staff(unit, course.created_by, "created_by")
    try:
        row = await repository.insert(unit, id_, course)
    except UniqueViolation:
        raise Conflict(f"there is a course {id_}") from None
    event = CourseCreated(course_id=id_, instructor_id=course.instructor_id)
    unit.emit(event, source=SOURCE)
    return _found(row, id_), True


async def get(unit: Unit, id_: str | UUID) -> DictRow:
    """Raises ``NotFound``."""
    return _found(await repository.get(unit, id_), id_)


async def page(
    unit: Unit, cursor: str | None, limit: int, status: CourseStatus | None
) -> dict[str, Any]:
    after = pages.decode(cursor, datetime)
    return pages.page(await repository.page(unit, after, limit + 1, status), limit)


async def change(unit: Unit, id_: UUID, changes: CourseChange) -> DictRow:
    """Raises ``NotFound``, or ``Conflict`` for an archived course; no difference, no event."""
    row = await changeable(unit, id_)
    given = changes.model_dump(exclude_unset=True)
    title = given.get("title") or row["title"]
    description = given.get("description", row["description"])
    metadata = row["metadata"] if given.get("metadata") is None else given["metadata"]
    if (title, description, metadata) == (row["title"], row["description"], row["metadata"]):
        return row
    changed = await repository.change(unit, id_, title, description, metadata)
    unit.emit(CourseUpdated(course_id=str(id_)), source=SOURCE)
    return _found(changed, id_)


async def publish(unit: Unit, id_: UUID) -> DictRow:
    """Open a course to learners; a published one stays as it is."""
    row = _found(await repository.lock(unit, id_), id_)
    if row["status"] == "archived":
        raise Conflict(f"course {id_} is archived")
    return await _move(unit, row, "published", CoursePublished(course_id=str(id_)))


async def archive(unit: Unit, id_: UUID) -> DictRow:
    """Close a course; an archived one stays as it is."""
    row = _found(await repository.lock(unit, id_), id_)
    return await _move(unit, row, "archived", CourseArchived(course_id=str(id_)))


async def _move(unit: Unit, row: DictRow, status: CourseStatus, event: Event) -> DictRow:
    if row["status"] == status:
        return row
    unit.emit(event, source=SOURCE)
    return _found(await repository.set_status(unit, row["id"], status), row["id"])


async def changeable(unit: Unit, id_: UUID) -> DictRow:
    """The locked course; raises ``NotFound``, or ``Conflict`` where it is archived."""
    row = _found(await repository.lock(unit, id_), id_)
    if row["status"] == "archived":
        raise Conflict(f"course {id_} is archived")
    return row


async def structure_changed(unit: Unit, id_: UUID) -> None:
    """An item or assessment of the locked course came, changed or went."""
    await repository.touch(unit, id_)
    unit.emit(CourseUpdated(course_id=str(id_)), source=SOURCE)


async def open_to_learners(unit: Unit, id_: UUID) -> DictRow:
    """The course, which stays published until we commit; raises ``NotFound`` or ``Conflict``."""
    row = _found(await repository.hold(unit, id_), id_)
    if row["status"] != "published":
        raise Conflict(f"course {id_} is {row['status']}, not published")
    return row


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no course {id_}")
    return row
