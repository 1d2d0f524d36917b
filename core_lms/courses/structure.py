"""What other contexts keep of a course: each copies its share, and says what it lacks.

A context that keeps some of a course's structure has a ``structure.py`` with ``async def copy(unit:
Unit, run: CourseCopy) -> None``, and where a course can lack something of it, ``async def
missing(unit: Unit, course_id: UUID) -> list[str]``. They are found by listing the folders, so that
courses need to know none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from contracts.errors import Rejected
from contracts.event import EARLIEST, LATEST
from contracts.ids import named_id
from core_lms.unit import Unit

HERE = Path(__file__).resolve().parent


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

    def copied(self, row: Mapping[str, Any], *refers: str) -> dict[str, Any]:
        """The copy of a row as JSON has it, with ids of its own in ``id`` and what it ``refers``
        to.
        """
        ids = {name: row[name] and self.id_of(row[name]) for name in ("id", *refers)}
        return {name: _plain(value) for name, value in row.items()} | ids

    async def read(self, unit: Unit, sql: str) -> list[dict[str, Any]]:
        """The rows to copy; ``sql`` takes ``source_id`` and ``institution_id``."""
        values = {"source_id": self.source_id, "institution_id": unit.institution_id}
        await unit.cursor.execute(sql, values)
        return await unit.cursor.fetchall()

    async def write(self, unit: Unit, sql: str, rows: Sequence[dict[str, Any]]) -> None:
        """Insert ``rows``, which ``sql`` takes as JSON, with ``target_id`` and the institution."""
        if rows:
            values = {"target_id": self.target_id, "institution_id": unit.institution_id}
            await unit.cursor.execute(sql, values | {"rows": Jsonb(rows)})


def _plain(value: object) -> object:
    plain = value is None or isinstance(value, (str, int, list, dict))
    return value if plain else str(value)


@cache
def _modules() -> tuple[Any, ...]:
    names = sorted(path.parent.name for path in HERE.parent.glob("*/structure.py"))
    return tuple(
        importlib.import_module(f"core_lms.{name}.structure") for name in names if name != HERE.name
    )


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Everything that other contexts keep of the course."""
    for module in _modules():
        await module.copy(unit, run)


async def missing(unit: Unit, course_id: UUID) -> list[str]:
    """What other contexts still lack before learners may see the course."""
    found: list[str] = []
    for module in _modules():
        if hasattr(module, "missing"):
            found += await module.missing(unit, course_id)
    return found
