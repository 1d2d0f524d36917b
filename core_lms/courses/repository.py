"""Courses in Postgres: their rows and statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core_lms.courses.schemas import Course
from core_lms.unit import Unit
from stack.queries import load

SQL = load(__file__, course=Course)

PREREQUISITES_LOCK = 0x4C4D5305
"""First half of the advisory lock of whoever writes prerequisites; the second is the tenant's."""


class FoundCourse(Course):
    """A course among those that a search found."""

    rank: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """What publishing asks of a course: how many items and assessments, its instructor, and the
    prerequisites that are ``closed``, each with ``id`` and ``status``.
    """

    contents: int
    instructor_status: str
    instructor_role: str
    closed: list[dict[str, Any]]


async def lock_prerequisites(unit: Unit) -> None:
    """Be the only one in the institution who writes prerequisites, until we commit."""
    await unit.execute(SQL["lock_prerequisites"], lock_class=PREREQUISITES_LOCK)


async def prerequisites(unit: Unit, course_id: object) -> list[str]:
    return [str(id_) for id_ in await unit.values(SQL["prerequisites"], course_id=course_id)]


async def set_prerequisites(unit: Unit, course_id: object, ids: list[str]) -> None:
    await unit.execute(SQL["clear_prerequisites"], course_id=course_id)
    await unit.execute(SQL["add_prerequisites"], course_id=course_id, ids=ids)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A course requires another one."""

    course_id: str
    requires_course_id: str
