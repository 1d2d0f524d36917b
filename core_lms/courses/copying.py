"""The next run of a course: its structure as a new draft, in one transaction, without its learners.

Each context that keeps part of a course's structure has a ``copying.py`` with
``async def copy(unit: Unit, run: CourseCopy) -> None``; they are found by listing the folders.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from contracts.errors import Rejected
from contracts.event import EARLIEST, LATEST
from contracts.events.courses import CourseCopied
from contracts.ids import named_id
from core_lms.courses import prerequisites, service
from core_lms.courses.resource import Course
from core_lms.courses.schemas import NewCopy
from core_lms.idempotency import claim
from core_lms.unit import Unit
from core_lms.users import service as users
from stack.queries import load

CONTEXTS = Path(__file__).resolve().parent.parent
_sql = load(__file__, "copying.sql")


@dataclass(frozen=True, slots=True)
class CourseCopy:
    """From which course to which, and how ids and moments change on the way."""

    source_id: str
    target_id: str
    shift: timedelta

    def id_of(self, old: object) -> str:
        """The id of the copy of a row: the same for everybody who asks, so rows can refer to it."""
        return named_id(self.target_id, "copy", old)

    def moved(self, moment: datetime | None) -> datetime | None:
        """The same moment of the next run; raises ``Rejected`` where no event could name it."""
        if moment is None:
            return None
        if not EARLIEST - moment <= self.shift < LATEST - moment:
            raise Rejected(f"starts_at: {moment} of the course would move out of the calendar")
        return moment + self.shift


Copier = Callable[[Unit, CourseCopy], Awaitable[None]]


@cache
def _copiers() -> tuple[Copier, ...]:
    """Courses first: what others copy refers to modules."""
    names = sorted(path.parent.name for path in CONTEXTS.glob("*/copying.py"))
    names.sort(key=lambda name: name != "courses")
    found = (importlib.import_module(f"core_lms.{name}.copying") for name in names)
    return tuple(module.copy for module in found)


async def make(unit: Unit, source_id: UUID, new: NewCopy) -> tuple[DictRow, bool]:
    """The new draft and whether it is new; an archived course can be copied as well.

    Emits ``course.created``, ``course.copied`` and what the other contexts tell of their parts.
    """
    id_, repeated = await claim(
        unit, "copy of a course", new, source_id, shown=("course.read", Course)
    )
    if repeated:
        return await service.get(unit, id_), False
    source = await service.locked(unit, source_id)
    instructor_id = new.instructor_id or str(source["instructor_id"])
    await users.staff(unit, instructor_id, "instructor_id")
    run = CourseCopy(str(source_id), id_, _shift(source["starts_at"], new.starts_at))
    row = await service.insert(
        unit,
        id_,
        title=new.title or source["title"],
        description=source["description"],
        instructor_id=instructor_id,
        created_by=unit.caller.user_id or instructor_id,
        metadata=source["metadata"],
        capacity=source["capacity"],
        starts_at=new.starts_at or source["starts_at"],
        ends_at=run.moved(source["ends_at"]),
        copied_from=source_id,
    )
    unit.emit(CourseCopied(course_id=id_, copied_from=run.source_id), source=service.SOURCE)
    for copier in _copiers():
        await copier(unit, run)
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


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Modules and prerequisites; who else teaches is decided anew."""
    modules = await _all(unit, "modules", run)
    rows = [
        {
            "id": run.id_of(module["id"]),
            "title": module["title"],
            "description": module["description"],
            "position": module["position"],
            "opens_at": _text(run.moved(module["opens_at"])),
        }
        for module in modules
    ]
    values = {
        "rows": Jsonb(rows),
        "target_id": run.target_id,
        "institution_id": unit.institution_id,
    }
    await unit.cursor.execute(_sql["insert_modules"], values)
    await prerequisites.copy(unit, run.source_id, run.target_id)


async def _all(unit: Unit, name: str, run: CourseCopy) -> list[Any]:
    values = {"source_id": run.source_id, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql[name], values)
    return await unit.cursor.fetchall()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
