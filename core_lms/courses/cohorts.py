"""Groups of learners who take a course together: their dates and members."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.errors import Rejected
from contracts.events.courses import CohortCreated, CohortUpdated
from core_lms import pages
from core_lms.courses import seats, service
from core_lms.courses.schemas import CohortChange, NewCohort, NewMember
from core_lms.idempotency import claim
from core_lms.unit import Unit
from gateway.errors import Conflict, NotFound
from gateway.etags import Check
from stack.queries import load

_sql = load(__file__, "cohorts.sql")


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def _page(unit: Unit, name: str, cursor: str | None, limit: int, **values: Any) -> list[Any]:
    after = pages.decode(cursor, datetime)
    values |= {
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": limit + 1,
    }
    await unit.cursor.execute(_sql[name], values)
    return await unit.cursor.fetchall()


async def add(unit: Unit, course_id: UUID, new: NewCohort) -> tuple[DictRow, bool]:
    """The cohort and whether it is new; emits ``cohort.created``."""
    id_, repeated = await claim(unit, "cohort", new, course_id)
    if repeated:
        return await get(unit, id_), False
    await service.changeable(unit, course_id)
    _in_order(new.starts_at, new.ends_at)
    row = await _named(unit, "insert", id=id_, course_id=course_id, **new.model_dump())
    unit.emit(CohortCreated(**_told(row)), source=service.SOURCE)
    return row, True


async def get(unit: Unit, id_: object) -> DictRow:
    """Raises ``NotFound``."""
    return _found(await _one(unit, "get", id=id_), id_)


async def of_course(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The cohorts of a course, oldest first."""
    return pages.page(await _page(unit, "list", cursor, limit, course_id=course_id), limit)


async def change(unit: Unit, id_: UUID, changes: CohortChange, check: Check) -> DictRow:
    """Name and dates; emits ``cohort.updated`` where they differ."""
    row = _found(await _one(unit, "lock", id=id_), id_)
    check(row)
    given = changes.model_dump(exclude_unset=True)
    values = {name: given.get(name, row[name]) for name in ("name", "starts_at", "ends_at")}
    values["name"] = values["name"] or row["name"]
    _in_order(values["starts_at"], values["ends_at"])
    if all(values[name] == row[name] for name in values):
        return row
    changed = await _named(unit, "change", id=id_, **values)
    unit.emit(CohortUpdated(**_told(changed)), source=service.SOURCE)
    return changed


async def members(unit: Unit, id_: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """Who is in the cohort, by when they joined."""
    rows = await _page(unit, "members", cursor, limit, cohort_id=id_)
    return pages.page(rows, limit, "joined_at")


async def join(unit: Unit, id_: UUID, new: NewMember) -> tuple[DictRow, bool]:
    """Put a learner of the course into the cohort; they leave another one of the same course.

    Raises ``Conflict`` for who is not in the course, or where the cohort has ended.
    """
    _, repeated = await claim(unit, "cohort member", new, id_)
    if repeated:
        member = await _one(unit, "member", cohort_id=id_, user_id=new.user_id)
        return _member(member, id_, new.user_id), False
    row = _found(await _one(unit, "lock", id=id_), id_)
    values = {"user_id": new.user_id, "course_id": row["course_id"]}
    if await _one(unit, "learning", **values) is None:
        raise Conflict(f"user {new.user_id} is not in course {row['course_id']}")
    at = datetime.now(UTC)
    open_at(row, at)
    return await seats.join(unit, id_, row["course_id"], new.user_id, at), True


async def remove(unit: Unit, id_: UUID, user_id: UUID) -> None:
    """Take a learner out of the cohort; they stay in the course."""
    row = _found(await _one(unit, "lock", id=id_), id_)
    _member(await _one(unit, "member", cohort_id=id_, user_id=user_id), id_, user_id)
    await seats.leave(unit, row["course_id"], user_id, datetime.now(UTC))


async def joinable(unit: Unit, id_: str, course_id: UUID, at: datetime) -> None:
    """Raises ``Rejected`` for a cohort of another course, ``Conflict`` for one that has ended."""
    row = await _one(unit, "get", id=id_)
    if row is None or row["course_id"] != course_id:
        raise Rejected(f"cohort_id: course {course_id} has no cohort {id_}")
    open_at(row, at)


def _member(row: DictRow | None, id_: object, user_id: object) -> DictRow:
    if row is None:
        raise NotFound(f"user {user_id} is not in cohort {id_}")
    return row


def open_at(row: DictRow, at: datetime) -> None:
    if row["ends_at"] is not None and at >= row["ends_at"]:
        raise Conflict(f"cohort {row['id']} has ended")


def _in_order(starts_at: datetime | None, ends_at: datetime | None) -> None:
    if starts_at is not None and ends_at is not None and starts_at >= ends_at:
        raise Rejected("ends_at lies before starts_at")


async def _named(unit: Unit, name: str, /, **values: Any) -> DictRow:
    try:
        row = await _one(unit, name, **values)
    except UniqueViolation as error:
        if error.diag.constraint_name == "cohorts_pkey":
            raise Conflict(f"there is a cohort {values['id']}") from None
        raise Conflict("the course has a cohort of this name already") from None
    return _found(row, values["id"])


def _told(row: DictRow) -> dict[str, Any]:
    return {
        "course_id": str(row["course_id"]),
        "cohort_id": str(row["id"]),
        "starts_at": row["starts_at"],
        "ends_at": row["ends_at"],
    }


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no cohort {id_}")
    return row
