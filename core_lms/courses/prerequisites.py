"""Courses that must be completed before one enrolls in another; never a circle of them."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from contracts.errors import Rejected
from core_lms.courses import repository, service
from core_lms.courses.repository import SQL, Requirement
from core_lms.unit import Unit
from gateway.errors import Conflict
from gateway.etags import Check


async def of(unit: Unit, course_id: UUID) -> dict[str, object]:
    """The prerequisites of a course; raises ``NotFound`` for an unknown course."""
    await service.get(unit, course_id)
    return _as_resource(course_id, await repository.prerequisites(unit, course_id))


async def put(unit: Unit, course_id: UUID, wanted: list[str], check: Check) -> dict[str, object]:
    """Replace the prerequisites of a course; emits ``course.updated`` where they differ.

    Raises ``Rejected`` for a course that is not there and ``Conflict`` for a circle.
    """
    await repository.lock_prerequisites(unit)
    await service.changeable(unit, course_id)
    present = await repository.prerequisites(unit, course_id)
    check(_as_resource(course_id, present))
    wanted = list(dict.fromkeys(wanted))
    unknown = set(wanted) - {str(id_) for id_ in await unit.values(SQL["known"], ids=wanted)}
    if unknown:
        raise Rejected(f"course_ids: there is no course {min(unknown)}")
    if str(course_id) in wanted:
        raise Conflict(f"course {course_id} cannot be its own prerequisite")
    if wanted != present:
        await repository.set_prerequisites(unit, course_id, wanted)
        required = await unit.all(Requirement, SQL["required_of"], course_id=course_id)
        circle = _circle(str(course_id), required)
        if circle:
            raise Conflict(f"prerequisites would go in a circle: {' → '.join(circle)}")
        await service.structure_changed(unit, course_id)
    return _as_resource(course_id, wanted)


async def copy(unit: Unit, source_id: str, target_id: str) -> None:
    """A new course requires what another one does; nothing requires it yet, so no circle."""
    required = await repository.prerequisites(unit, source_id)
    if required:
        await repository.set_prerequisites(unit, target_id, required)


def _as_resource(course_id: UUID, ids: list[str]) -> dict[str, object]:
    return {"course_id": str(course_id), "course_ids": ids}


def _circle(start: str, pairs: list[Requirement]) -> list[str] | None:
    """The shortest way from ``start`` back to itself, or None."""
    leads_to: dict[str, list[str]] = {}
    for pair in pairs:
        leads_to.setdefault(pair.course_id, []).append(pair.requires_course_id)
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        course = waiting.popleft()
        for required in leads_to.get(course, ()):
            if required == start:
                way = [course, start]
                while way[0] != start:
                    way.insert(0, came_from[way[0]])
                return way
            if required not in came_from:
                came_from[required] = course
                waiting.append(required)
    return None
