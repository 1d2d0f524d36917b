"""Groups of learners who take a course together: their dates and members."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.courses import CohortCreated, CohortUpdated
from core_lms import pages
from core_lms.courses import seats, service
from core_lms.courses.describing import SOURCE
from core_lms.courses.schemas import Cohort, CohortChange, Member, NewCohort, NewMember
from core_lms.idempotency import claim
from core_lms.unit import Unit, found
from gateway.errors import Conflict
from gateway.etags import Check
from gateway.pages import Window
from stack.queries import load


class ListedMember(Member):
    """A member in a list, under the id that its pages go by."""

    id: UUID


_sql = load(__file__, "cohorts.sql", cohort=Cohort, member=Member)


async def add(unit: Unit, course_id: UUID, new: NewCohort) -> Cohort:
    """The cohort; emits ``cohort.created``."""
    id_ = await claim(unit, "cohort", new, course_id)
    if unit.repeated:
        return await get(unit, id_)
    await service.changeable(unit, course_id)
    service.in_order(new.starts_at, new.ends_at)
    row = await _write(unit, "insert", id_, course_id=course_id, **new.model_dump())
    unit.emit(CohortCreated(**_facts(row)), source=SOURCE)
    return row


async def get(unit: Unit, id_: object) -> Cohort:
    """Raises ``NotFound``."""
    return await unit.need(Cohort, _sql["get"], f"cohort {id_}", id=id_)


async def of_course(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """The cohorts of a course, oldest first."""
    return await pages.read(unit, Cohort, _sql["list"], window, course_id=course_id)


async def change(unit: Unit, id_: UUID, changes: CohortChange, check: Check) -> Cohort:
    """Name and dates; emits ``cohort.updated`` where they differ."""
    row = await _lock(unit, id_)
    check(row)
    before = row.model_dump(include=set(CohortChange.model_fields))
    values = before | changes.model_dump(exclude_unset=True)
    values["name"] = values["name"] or row.name
    service.in_order(values["starts_at"], values["ends_at"])
    if values == before:
        return row
    changed = await _write(unit, "change", id_, **values)
    unit.emit(CohortUpdated(**_facts(changed)), source=SOURCE)
    return changed


async def members(unit: Unit, id_: UUID, window: Window) -> dict[str, Any]:
    """Who is in the cohort, by when they joined."""
    query = _sql["members"]
    return await pages.read(unit, ListedMember, query, window, first="joined_at", cohort_id=id_)


async def join(unit: Unit, id_: UUID, new: NewMember) -> Member:
    """Put a learner of the course into the cohort; they leave another one of the same course.

    Raises ``Conflict`` for who is not in the course, or where the cohort has ended.
    """
    await claim(unit, "cohort member", new, id_)
    if unit.repeated:
        return await _member(unit, id_, new.user_id)
    row = await _lock(unit, id_)
    who = {"user_id": new.user_id, "course_id": row.course_id}
    if await unit.value(_sql["learning"], **who) is None:
        raise Conflict(f"user {new.user_id} is not in course {row.course_id}")
    at = datetime.now(UTC)
    _refuse_ended(row, at)
    return await seats.join(unit, id_, row.course_id, new.user_id, at)


async def remove(unit: Unit, id_: UUID, user_id: UUID) -> None:
    """Take a learner out of the cohort; they stay in the course."""
    row = await _lock(unit, id_)
    await _member(unit, id_, user_id)
    await seats.leave(unit, row.course_id, user_id, datetime.now(UTC))


async def joinable(unit: Unit, id_: str, course_id: UUID, at: datetime) -> None:
    """Raises ``Rejected`` for a cohort of another course, ``Conflict`` for one that has ended."""
    row = await unit.one(Cohort, _sql["get"], id=id_)
    if row is None or row.course_id != course_id:
        raise Rejected(f"cohort_id: course {course_id} has no cohort {id_}")
    _refuse_ended(row, at)


def _refuse_ended(row: Cohort, at: datetime) -> None:
    if row.ends_at is not None and at >= row.ends_at:
        raise Conflict(f"cohort {row.id} has ended")


async def _lock(unit: Unit, id_: UUID) -> Cohort:
    return await unit.need(Cohort, _sql["lock"], f"cohort {id_}", id=id_)


async def _member(unit: Unit, id_: object, user_id: object) -> Member:
    row = await unit.one(Member, _sql["member"], cohort_id=id_, user_id=user_id)
    return found(row, f"user {user_id} is not in cohort {id_}")


async def _write(unit: Unit, name: str, id_: object, /, **values: Any) -> Cohort:
    taken = "the course has a cohort of this name already"
    unit.conflicts(taken, cohorts_pkey=f"there is a cohort {id_}")
    return await unit.need(Cohort, _sql[name], f"cohort {id_}", id=id_, **values)


def _facts(row: Cohort) -> dict[str, Any]:
    """What events say of a cohort."""
    ids = {"course_id": str(row.course_id), "cohort_id": str(row.id)}
    return {**ids, "starts_at": row.starts_at, "ends_at": row.ends_at}
