"""The next run of a course: its structure as a new draft, in one transaction, no learners."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.courses import CourseCopied
from core_lms.courses import prerequisites, service, structure
from core_lms.courses.describing import describe
from core_lms.courses.resource import Course
from core_lms.courses.schemas import Course as CourseRow
from core_lms.courses.schemas import NewCopy
from core_lms.courses.structure import CourseCopy
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from stack.queries import load

_sql = load(__file__, "copying.sql")


async def make(unit: Unit, source_id: UUID, new: NewCopy) -> tuple[CourseRow, bool]:
    """The new draft and whether it is new; an archived course can be copied as well.

    Emits ``course.created``, ``course.copied`` and what the other contexts emit of their share.
    """
    id_, repeated = await claim(
        unit, "copy of a course", new, source_id, shown=("course.read", Course)
    )
    if repeated:
        return await service.get(unit, id_), False
    source = await service.locked(unit, source_id)
    instructor_id = new.instructor_id or str(source.instructor_id)
    await users.staff(unit, instructor_id, "instructor_id")
    run = CourseCopy(str(source_id), id_, _shift(source.starts_at, new.starts_at))
    row = await service.insert(
        unit,
        id_,
        title=new.title or source.title,
        description=source.description,
        instructor_id=instructor_id,
        created_by=unit.caller.user_id or instructor_id,
        metadata=source.metadata,
        capacity=source.capacity,
        starts_at=new.starts_at or source.starts_at,
        ends_at=run.moved(source.ends_at),
        copied_from=source_id,
    )
    unit.emit(CourseCopied(course_id=id_, copied_from=run.source_id), source=service.SOURCE)
    await _modules(unit, run)
    await prerequisites.copy(unit, run.source_id, run.target_id)
    await structure.copy(unit, run)
    await describe(unit, id_)
    return row, True


def _shift(before: datetime | None, after: datetime | None) -> timedelta:
    if after is None:
        return timedelta(0)
    if before is None:
        raise Rejected(
            "starts_at: the course to copy has no start, so nothing says by how much to move its "
            "dates; leave starts_at out, or set it on the copy"
        )
    return after - before


async def _modules(unit: Unit, run: CourseCopy) -> None:
    """First: what other contexts copy refers to modules."""
    rows = await run.read(unit, _sql["modules"])
    moved = [row | {"opens_at": run.moved(row["opens_at"])} for row in rows]
    await run.write(unit, _sql["insert_modules"], [run.copied(row) for row in moved])
