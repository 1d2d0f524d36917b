"""Content of courses, and every interaction of learners with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.event import EVENTS
from core_lms import pages
from core_lms.content import repository
from core_lms.content.schemas import Interaction, NewItem, Posted, Viewed
from core_lms.courses import service as courses
from core_lms.enrollments import service as enrollments
from core_lms.errors import Conflict, NotFound
from core_lms.idempotency import claim
from core_lms.moments import moment
from core_lms.users import service as users
from core_lms.work import Unit

SOURCE = "content-service"


async def add(unit: Unit, course_id: UUID, item: NewItem) -> tuple[DictRow, bool]:
    """The item and whether it is new; emits ``course.updated``."""
    id_, repeated = await claim(unit, "item", item, course_id)
    if repeated:
        return _found(await repository.get(unit, id_), f"item {id_}"), False
    await courses.changeable(unit, course_id)
    try:
        row = await repository.insert(unit, id_, course_id, item)
    except UniqueViolation:
        raise Conflict(f"there is an item {id_}") from None
    await courses.structure_changed(unit, course_id)
    return _found(row, f"item {id_}"), True


async def page(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The items of a course in their order; raises ``NotFound`` for an unknown course."""
    await courses.get(unit, course_id)
    rows = await repository.page(unit, course_id, pages.decode(cursor, int), limit + 1)
    return pages.page(rows, limit, "position")


async def record(
    unit: Unit, course_id: UUID, item_id: UUID, interaction: Interaction
) -> tuple[DictRow, bool]:
    """What an enrolled learner did with an item, and whether it is new.

    Completing an item for the first time moves the enrollment on, up to completing the course.
    """
    id_, repeated = await claim(unit, "event", interaction, course_id, item_id)
    if repeated:
        return _found(await repository.recorded(unit, id_), f"event {id_}"), False
    at = moment(interaction.occurred_at)
    item = await repository.with_course(unit, course_id, item_id)
    item = _found(item, f"item {item_id} in course {course_id}")
    if item["course_status"] != "published":
        raise Conflict(f"course {course_id} is {item['course_status']}, not published")
    enrollment = await enrollments.studying(unit, interaction.user_id, course_id, at)
    details = interaction.model_dump(exclude={"event_type", "user_id", "occurred_at", "clicks"})
    place = {
        "user_id": interaction.user_id,
        "course_id": str(course_id),
        "item_id": str(item_id),
        "kind": item["kind"],
    }
    try:
        row = await repository.record(
            unit,
            details,
            id=id_,
            **place,
            event_type=interaction.event_type,
            clicks=interaction.clicks if isinstance(interaction, Viewed) else 0,
            occurred_at=at,
        )
    except UniqueViolation:
        raise Conflict(f"there is an event {id_}") from None
    if isinstance(interaction, Viewed):
        payload: dict[str, Any] = {"clicks": interaction.clicks}
    elif isinstance(interaction, Posted):
        payload = {"post_id": id_}
    else:
        payload = details
    event = EVENTS[interaction.event_type](**place, **payload)
    unit.emit(event, source=SOURCE, at=at, event_id=id_)
    if interaction.event_type == "content.completed" and await repository.complete(
        unit, interaction.user_id, item_id, course_id, at
    ):
        await enrollments.work_done(unit, enrollment, at)
    return _found(row, f"event {id_}"), True


async def completed_items(unit: Unit, user_id: UUID) -> list[DictRow]:
    """Everything a learner has completed; raises ``NotFound`` for an unknown learner."""
    await users.get(unit, user_id)
    return await repository.completed_items(unit, user_id)


def _found(row: DictRow | None, what: str) -> DictRow:
    if row is None:
        raise NotFound(f"there is no {what}")
    return row
