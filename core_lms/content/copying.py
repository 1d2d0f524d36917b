"""What a copied course has of content: its items and files, which share their bytes."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from core_lms.courses.copying import CourseCopy
from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__, "copying.sql")


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Items that are not archived, with the ids in their metadata following, and finished files."""
    media = await _all(unit, "media", run)
    items = await _all(unit, "items", run)
    moved = {str(row["id"]): run.id_of(row["id"]) for row in (*media, *items)}
    for row in items:
        assessment_id = row["metadata"].get("assessment_id")
        if isinstance(assessment_id, str):
            moved[assessment_id] = run.id_of(assessment_id)
    await _insert(unit, "insert_media", run, [_renamed(row, moved) for row in media])
    rows = []
    for row in items:
        module_id = row["module_id"] and run.id_of(row["module_id"])
        metadata = _renamed(row["metadata"], moved)
        rows.append(_renamed(row, moved) | {"module_id": module_id, "metadata": metadata})
    await _insert(unit, "insert_items", run, rows)


def _renamed(value: Any, moved: dict[str, str]) -> Any:
    """``value`` with every id of ``moved`` replaced, wherever it stands."""
    if isinstance(value, dict):
        return {name: _renamed(member, moved) for name, member in value.items()}
    if isinstance(value, list):
        return [_renamed(member, moved) for member in value]
    return moved.get(value, value) if isinstance(value, str) else value


async def _all(unit: Unit, name: str, run: CourseCopy) -> list[Any]:
    values = {"source_id": run.source_id, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql[name], values)
    return await unit.cursor.fetchall()


async def _insert(unit: Unit, name: str, run: CourseCopy, rows: list[Any]) -> None:
    values = {
        "rows": Jsonb(rows),
        "target_id": run.target_id,
        "institution_id": unit.institution_id,
    }
    await unit.cursor.execute(_sql[name], values)
