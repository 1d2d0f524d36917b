"""Content items and interactions with them in Postgres."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from core_lms.content.schemas import NewItem
from core_lms.sealing import texts
from core_lms.sealing.texts import POST
from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)
PAGE, PLACE = _sql["list"], _sql["place"]
"""``PLACE`` reads ``kind``, ``metadata``, ``archived_at``, ``opens_at`` and ``course_status`` of an
item, ``enrollment_status`` and ``dropped_at`` of a learner, and the learner's ``wrapped_key`` where
the learner ``writes``."""


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def insert(unit: Unit, id_: str, course_id: object, item: NewItem) -> DictRow | None:
    values = item.model_dump() | {"metadata": Jsonb(item.metadata)}
    return await _one(unit, "insert", id=id_, course_id=course_id, **values)


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def lock(unit: Unit, id_: object, course_id: object) -> DictRow | None:
    """The item of this course, not to be changed by others until we commit."""
    return await _one(unit, "lock", id=id_, course_id=course_id)


async def opened(unit: Unit, id_: object, course_id: object) -> DictRow | None:
    """The item of this course with ``opens_at``."""
    return await _one(unit, "opened", id=id_, course_id=course_id)


async def change(unit: Unit, id_: object, **values: Any) -> DictRow | None:
    return await _one(unit, "change", id=id_, **values | {"metadata": Jsonb(values["metadata"])})


async def archive(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "archive", id=id_)


def page(course_id: object, after: After | None, rows: int) -> dict[str, Any]:
    """What ``PAGE`` asks for, besides the institution."""
    return {
        "course_id": course_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }


async def watch(unit: Unit, user_id: object, item_id: object, from_s: float, to_s: float) -> None:
    values = {"user_id": user_id, "item_id": item_id, "from_s": Decimal(str(from_s))}
    values |= {"to_s": Decimal(str(to_s)), "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["watch"], values)


async def watched_s(unit: Unit, user_id: object, item_id: object, duration_s: float) -> float:
    row = await _one(
        unit, "watched", user_id=user_id, item_id=item_id, duration_s=Decimal(str(duration_s))
    )
    return float(row["seconds"]) if row else 0.0


async def resume_s(unit: Unit, user_id: object, item_id: object) -> float | None:
    row = await _one(unit, "resume", user_id=user_id, item_id=item_id)
    return float(row["position_s"]) if row else None


async def times(unit: Unit, event_type: str, **where: object) -> int:
    row = await _one(unit, "times", event_type=event_type, **where)
    return int(row["times"]) if row else 0


async def handed_in(unit: Unit, assessment_id: str, **where: object) -> bool:
    row = await _one(unit, "handed_in", assessment_id=assessment_id, **where)
    return bool(row and row["any"])


async def posts(
    unit: Unit, course_id: object, item_id: object, after: After | None, rows: int
) -> list[DictRow]:
    values = {
        "course_id": course_id,
        "item_id": item_id,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql["posts"], values)
    found = await unit.cursor.fetchall()
    for row in found:
        row["text"] = POST.open(texts.reading(row["user_id"], row["wrapped_key"]), row)
    return found


async def record(unit: Unit, details: dict[str, Any], **values: Any) -> DictRow | None:
    return await _one(unit, "record", details=Jsonb(details), **values)


def record_last(unit: Unit, details: dict[str, Any], **values: Any) -> DictRow:
    """The same, when the unit ends."""
    named = {"institution_id": unit.institution_id, "details": Jsonb(details)}
    return unit.write_at_commit(_sql["record"], values | named)


async def recorded(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "recorded", id=id_)


async def complete(
    unit: Unit, user_id: str, item_id: object, course_id: object, at: datetime
) -> bool:
    """Whether this is the first time the learner completed the item."""
    values = {"user_id": user_id, "item_id": item_id, "course_id": course_id, "at": at}
    values["institution_id"] = unit.institution_id
    cursor = await unit.cursor.execute(_sql["complete"], values)
    return cursor.rowcount == 1


async def completed_items(
    unit: Unit, user_id: object, taught_by: str | None = None
) -> list[DictRow]:
    values = {
        "user_id": user_id,
        "taught_by": taught_by,
        "institution_id": unit.institution_id,
    }
    await unit.cursor.execute(_sql["completed_items"], values)
    return await unit.cursor.fetchall()
