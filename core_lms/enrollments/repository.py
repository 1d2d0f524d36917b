"""Enrollments in Postgres."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import DictRow

from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load
from stack.roundtrip import Statement

_sql = load(__file__)
GET, ENTRY = _sql["get"], _sql["entry"]
"""``ENTRY`` reads ``status``, ``capacity``, ``ends_at`` of the course, which is locked until we
commit, and whether it is ``priced``; the learner's ``user_status`` (None: unknown), whether they
are ``returning``, and the ``missing`` prerequisites."""


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def has_paid(unit: Unit, user_id: object, course_id: object) -> bool:
    """Whether the course of a price is paid for."""
    return await _one(unit, "paid", user_id=user_id, course_id=course_id) is not None


async def insert(
    unit: Unit, id_: str, user_id: str, course_id: object, at: datetime
) -> DictRow | None:
    return await _one(unit, "insert", id=id_, user_id=user_id, course_id=course_id, created_at=at)


async def insert_last(
    unit: Unit, id_: str, user_id: str, course_id: object, at: datetime
) -> DictRow:
    """The same, when the unit ends."""
    values = {"id": id_, "user_id": user_id, "course_id": course_id, "created_at": at}
    return unit.write_at_commit(_sql["insert"], values | {"institution_id": unit.institution_id})


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def lock(unit: Unit, id_: object) -> DictRow | None:
    """The enrollment, not to be changed by others until we commit, and its course's capacity."""
    return await _one(unit, "lock", id=id_)


def locking(unit: Unit, user_id: object, course_id: object) -> Statement:
    """A learner's enrollment in a course, locked: what they do in it happens one by one."""
    return _sql["lock_of_learner"], _study(unit, user_id, course_id)


def counting(unit: Unit, user_id: object, course_id: object) -> Statement:
    """How much work is required, in ``total``, and how much of it is ``done``."""
    return _sql["required_work"], _study(unit, user_id, course_id)


def _study(unit: Unit, user_id: object, course_id: object) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "course_id": course_id,
        "institution_id": unit.institution_id,
    }


async def lock_of_learner(unit: Unit, user_id: object, course_id: object) -> DictRow | None:
    [found] = await unit.ask(locking(unit, user_id, course_id))
    return found.row


async def page(
    unit: Unit,
    of: Literal["user", "course"],
    id_: object,
    after: After | None,
    rows: int,
    taught_by: str | None = None,
) -> list[DictRow]:
    values = {
        f"{of}_id": id_,
        "taught_by": taught_by,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql[f"of_{of}"], values)
    return await unit.cursor.fetchall()


async def drop(unit: Unit, id_: object, at: datetime) -> DictRow | None:
    return await _one(unit, "drop", id=id_, at=at)


async def required_work(unit: Unit, user_id: object, course_id: object) -> DictRow:
    [found] = await unit.ask(counting(unit, user_id, course_id))
    return found.rows[0]


async def set_progress(
    unit: Unit, id_: object, progress: Decimal, complete: bool, at: datetime
) -> DictRow | None:
    return await _one(unit, "set_progress", id=id_, progress=progress, complete=complete, at=at)


async def time_spent_minutes(unit: Unit, user_id: object, course_id: object) -> int:
    row = await _one(unit, "time_spent", user_id=user_id, course_id=course_id)
    assert row is not None
    return int(row["minutes"])


async def wait(unit: Unit, id_: str, **values: Any) -> DictRow | None:
    return await _one(unit, "wait", id=id_, **values)


async def waiting(
    unit: Unit, *, id_: object = None, course_id: object = None, user_id: object = None
) -> DictRow | None:
    """An entry of a waitlist with its ``position``, by its id or by course and learner."""
    return await _one(unit, "waiting", id=id_, course_id=course_id, user_id=user_id)


async def queue(unit: Unit, course_id: object, after: After | None, rows: int) -> list[DictRow]:
    values = {
        "course_id": course_id,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "rows": rows,
    }
    await unit.cursor.execute(_sql["queue"], values)
    return await unit.cursor.fetchall()


async def stop_waiting(
    unit: Unit, course_id: object, user_id: object, at: datetime
) -> DictRow | None:
    return await _one(unit, "stop_waiting", course_id=course_id, user_id=user_id, at=at)
