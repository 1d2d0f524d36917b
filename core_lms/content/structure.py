"""What courses have of content: items and files, which share their bytes with a copy's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core_lms.content import media, types
from core_lms.courses.structure import CourseCopy
from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__, "structure.sql")


@dataclass(frozen=True, slots=True)
class _Item:
    id: UUID
    kind: str
    metadata: dict[str, Any]


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Items that are not archived, with the ids in their metadata following, and finished files."""
    files = await run.read(unit, _sql["media"])
    items = await run.read(unit, _sql["items"])
    moved = {row["id"]: run.id_of(row["id"]) for row in (*files, *items)}
    for row in items:
        refers = [row["module_id"], row["metadata"].get("assessment_id")]
        moved |= {id_: run.id_of(id_) for id_ in refers if isinstance(id_, str)}
    await run.write(unit, _sql["insert_media"], _renamed(files, moved))
    await run.write(unit, _sql["insert_items"], _renamed(items, moved))


async def missing(unit: Unit, course_id: UUID) -> list[str]:
    """Items that learners could not use yet, each with what it lacks."""
    items = await unit.all(_Item, _sql["unfinished"], course_id=course_id)
    ready = await media.ready(unit, course_id) if items else set()
    lacking = ((row, types.of(row.kind).unfinished(row.metadata, ready)) for row in items)
    return [f"item {row.id} ({row.kind}): {lacks}" for row, lacks in lacking if lacks]


def _renamed(value: Any, moved: dict[str, str]) -> Any:
    """``value`` with every id of ``moved`` replaced, wherever it stands."""
    if isinstance(value, dict):
        return {name: _renamed(member, moved) for name, member in value.items()}
    if isinstance(value, list):
        return [_renamed(member, moved) for member in value]
    return moved.get(value, value) if isinstance(value, str) else value
