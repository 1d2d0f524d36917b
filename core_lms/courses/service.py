"""Courses: making, finding, changing them, and what other contexts ask of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from contracts.errors import Rejected
from contracts.event import Event
from contracts.events.courses import CourseCreated, CourseUpdated
from core_lms import pages
from core_lms.answers import Answer
from core_lms.courses import resource, seats
from core_lms.courses.describing import SOURCE, describe
from core_lms.courses.repository import SQL, FoundCourse
from core_lms.courses.schemas import Course, CourseChange, CourseStatus, NewCourse
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.decision import Right
from gateway.errors import Conflict
from gateway.etags import Check, tag

LIST_ALL = Right("course.list-all")
"""To list drafts that others teach."""
_shape = TypeAdapter(Course)

_CHANGEABLE = set(CourseChange.model_fields) - {"tags"}
_NEVER_EMPTY = ("title", "instructor_id", "metadata")
"""A null leaves these as they are."""


async def create(unit: Unit, course: NewCourse) -> tuple[Course, bool]:
    """The draft and whether it is new."""
    id_, repeated = await claim(unit, "course", course, shown=("course.read", resource.Course))
    if repeated:
        return await get(unit, id_), False
    await users.staff(unit, course.instructor_id, "instructor_id")
    if course.created_by is not None:
        await users.staff(unit, course.created_by, "created_by")
    in_order(course.starts_at, course.ends_at)
    values = course.model_dump(exclude={"tags"})
    values["created_by"] = course.created_by or course.instructor_id
    values["metadata"] = _tagged(course.metadata, course.tags)
    return await insert(unit, id_, **values, copied_from=None), True


async def insert(unit: Unit, id_: str, **values: Any) -> Course:
    """A new draft of checked values; emits ``course.created``."""
    unit.conflicts(f"there is a course {id_}")
    row = await _course(unit, "insert", id_, **values)
    event = CourseCreated(course_id=id_, instructor_id=str(values["instructor_id"]))
    unit.emit(event, source=SOURCE)
    await describe(unit, id_)
    return row


def shown(course: Course) -> Answer:
    """A course as it is answered and kept."""
    return Answer.of(_shape, course, tag(course))


async def get(unit: Unit, id_: str | UUID) -> Course:
    """Raises ``NotFound``."""
    return await _course(unit, "get", id_)


async def page(
    unit: Unit,
    cursor: str | None,
    limit: int,
    status: CourseStatus | None = None,
    tags: list[str] | None = None,
    q: str | None = None,
) -> dict[str, Any]:
    """Courses the caller may see: published ones, and for staff those they teach or run.

    Oldest first, or with ``q`` the best match first; ``tags`` must all be there.
    """
    which: dict[str, Any] = {
        "status": status,
        "tags": [tag.lower() for tag in tags] if tags else None,
        "sees_all": unit.may(LIST_ALL),
        "caller_id": unit.caller.user_id,
    }
    if q is None:
        return await pages.read(unit, Course, SQL["list"], cursor, limit, **which)
    return await pages.read(
        unit, FoundCourse, SQL["search"], cursor, limit, first="rank", of=int, q=q, **which
    )


async def change(unit: Unit, id_: UUID, changes: CourseChange, check: Check) -> Course:
    """Raises ``NotFound``, or ``Conflict`` for an archived course; no difference, no event.

    More seats are given at once to whoever waits.
    """
    row = await changeable(unit, id_)
    check(row)
    given = changes.model_dump(exclude_unset=True)
    before = row.model_dump(include=_CHANGEABLE)
    values = before | {name: given[name] for name in given if name in _CHANGEABLE}
    for name in _NEVER_EMPTY:
        if values[name] is None:
            values[name] = before[name]
    if given.get("metadata") is not None and "tags" not in given["metadata"]:
        # Whoever replaces the metadata without a word about tags does not mean to lose them.
        values["metadata"] = _tagged(values["metadata"], row.metadata.get("tags"))
    values["metadata"] = _tagged(values["metadata"], given.get("tags"))
    values["instructor_id"] = UUID(str(values["instructor_id"]))
    if values["instructor_id"] != row.instructor_id:
        await users.staff(unit, str(values["instructor_id"]), "instructor_id")
    in_order(values["starts_at"], values["ends_at"])
    if values == before:
        return row
    changed = await _course(unit, "change", id_, **values)
    unit.emit(CourseUpdated(course_id=str(id_)), source=SOURCE)
    await describe(unit, id_)
    if changed.capacity != row.capacity:
        await seats.fill(unit, id_, changed.capacity)
    return changed


def _tagged(metadata: dict[str, Any], tags: list[str] | None) -> dict[str, Any]:
    return metadata if tags is None else {**metadata, "tags": tags}


def in_order(starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Raises ``Rejected`` for an end before the start."""
    if starts_at is not None and ends_at is not None and starts_at >= ends_at:
        raise Rejected("ends_at lies before starts_at")


async def move(unit: Unit, row: Course, status: CourseStatus, event: Event) -> Course:
    """The locked course in another status, with its event; nothing where it is in that one."""
    if row.status == status:
        return row
    unit.emit(event, source=SOURCE)
    moved = await _course(unit, "set_status", row.id, status=status)
    await describe(unit, row.id)
    return moved


async def locked(unit: Unit, id_: UUID) -> Course:
    """The course, not to be changed by others until we commit; raises ``NotFound``."""
    return await _course(unit, "lock", id_)


async def changeable(unit: Unit, id_: UUID) -> Course:
    """The locked course; raises ``NotFound``, or ``Conflict`` where it is archived."""
    row = await locked(unit, id_)
    if row.status == "archived":
        raise Conflict(f"course {id_} is archived")
    return row


async def structure_changed(unit: Unit, id_: UUID | str) -> None:
    """Something of the locked course came, changed or went: an item, a module, an assessment.

    Call it after that is written: what changed is described as it is then.
    """
    await unit.execute(SQL["touch"], id=id_)
    unit.emit(CourseUpdated(course_id=str(id_)), source=SOURCE)
    await describe(unit, id_)


async def open_to_learners(unit: Unit, id_: UUID) -> Course:
    """The course, which stays published until we commit; raises ``NotFound`` or ``Conflict``."""
    row = await _course(unit, "lock_shared", id_)
    if row.status != "published":
        raise Conflict(f"course {id_} is {row.status}, not published")
    return row


async def _course(unit: Unit, name: str, id_: object, /, **values: Any) -> Course:
    """The course after a statement."""
    if "metadata" in values:
        values["metadata"] = Jsonb(values["metadata"])
    return await unit.need(Course, SQL[name], f"course {id_}", id=id_, **values)
