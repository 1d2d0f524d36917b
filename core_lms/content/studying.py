"""What learners do with items: recorded, emitted, and when that completes the item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from contracts.event import EVENTS
from contracts.ids import named_id
from core_lms.content import types
from core_lms.content.repository import SQL, Place
from core_lms.content.schemas import Interaction, Posted, Recorded, Viewed, Watched
from core_lms.enrollments import service as enrollments
from core_lms.idempotency import Creation, begun, creation
from core_lms.moments import moment
from core_lms.sealing import texts
from core_lms.sealing.texts import POST
from core_lms.unit import Unit, found
from core_lms.units import Units
from gateway.errors import Conflict

SOURCE = "content-service"
COMPLETED = "content.completed"


@dataclass(frozen=True, slots=True)
class Trail:
    """What one learner did with one item, asked of the database when a kind wants to know."""

    unit: Unit
    user_id: str
    course_id: str
    item_id: str

    @property
    def place(self) -> dict[str, str]:
        return {"user_id": self.user_id, "course_id": self.course_id, "item_id": self.item_id}

    async def watched_s(self, duration_s: float) -> float:
        who = {"user_id": self.user_id, "item_id": self.item_id}
        query = SQL["watched"]
        return float(await self.unit.value(query, duration_s=Decimal(str(duration_s)), **who))

    async def times(self, event_type: str) -> int:
        return int(await self.unit.value(SQL["times"], event_type=event_type, **self.place))

    async def handed_in(self, assessment_id: str) -> bool:
        query = SQL["handed_in"]
        return bool(await self.unit.value(query, assessment_id=assessment_id, **self.place))


def recording(
    asker: Units | Unit, course_id: UUID, item_id: UUID, interaction: Interaction
) -> Creation:
    """What ``record`` has to ask first."""
    where = {"course_id": course_id, "item_id": item_id, "user_id": interaction.user_id}
    writes = isinstance(interaction, Posted)
    place = SQL["place"]
    return creation(
        asker, "event", interaction, course_id, item_id, query=place, writes=writes, **where
    )


async def record(
    unit: Unit, course_id: UUID, item_id: UUID, interaction: Interaction, asked: Creation
) -> DictRow:
    """What an enrolled learner did with an item.

    The row may be empty until the unit has ended.

    Completing an item for the first time moves the enrollment on, up to completing the course.
    Where the kind says that this interaction is enough, the item is completed without a request.
    Raises ``Rejected`` for an interaction the kind does not take and ``Conflict`` where the course
    is not published, the item is not open, or the learner was not enrolled then.
    """
    id_ = asked.id
    unit.conflicts(f"there is an event {id_}")
    facts = await begun(unit, asked)
    if unit.repeated:
        return await unit.need(dict, SQL["recorded"], f"event {id_}", id=id_)
    at = moment(unit, interaction.occurred_at)
    item = Place(**found(facts, f"there is no item {item_id} in course {course_id}"))
    types.accepts(item.kind, interaction.event_type)
    _usable(item, course_id, item_id, interaction.user_id, at)
    trail = Trail(unit, interaction.user_id, str(course_id), str(item_id))
    kind = types.of(item.kind)
    enough = interaction.event_type in kind.completing(item.metadata)
    sealed = None
    if isinstance(interaction, Posted):
        key = texts.writing(interaction.user_id, item.wrapped_key)
        sealed = POST.seal(key, interaction.text, id_)
    row = await _write(unit, id_, trail, item.kind, interaction, at, sealed, asked_for=enough)
    if isinstance(interaction, Watched):
        span = Decimal(str(interaction.from_s)), Decimal(str(interaction.to_s))
        who = {"user_id": interaction.user_id, "item_id": item_id}
        await unit.execute(SQL["watch"], from_s=span[0], to_s=span[1], **who)
    if interaction.event_type == COMPLETED:
        lacking = await kind.lacking(item.metadata, trail)
        if lacking is not None:
            raise Conflict(f"item {item_id} is not completed yet: {lacking}")
        await _complete(unit, trail, at)
    elif enough and await kind.lacking(item.metadata, trail) is None:
        await _complete_silently(unit, id_, trail, item.kind, at)
    return row


def answered(row: DictRow, interaction: Interaction) -> Recorded:
    """What the learner is answered: the row, once its unit has ended, and the text of a post."""
    recorded = Recorded(**row)
    if isinstance(interaction, Posted):
        recorded.details["text"] = interaction.text
    return recorded


def _usable(item: Place, course_id: UUID, item_id: UUID, user_id: str, at: datetime) -> None:
    """Raises ``Conflict`` for what a learner could not have done at that moment.

    What was done before leaving counts, whenever it arrives.
    """
    if item.course_status != "published":
        raise Conflict(f"course {course_id} is {item.course_status}, not published")
    if item.archived_at is not None and at >= item.archived_at:
        raise Conflict(f"item {item_id} is archived")
    if item.opens_at is not None and min(at, datetime.now(UTC)) < item.opens_at:
        raise Conflict(f"item {item_id} opens at {item.opens_at.isoformat()}")
    if item.enrollment_status is None:
        raise Conflict(f"user {user_id} is not enrolled in course {course_id}")
    left = item.dropped_at
    if item.enrollment_status == "dropped" and (left is None or at >= left):
        raise Conflict(f"user {user_id} has left course {course_id}")


async def _write(
    unit: Unit,
    id_: str,
    trail: Trail,
    kind: str,
    interaction: Interaction,
    at: datetime,
    sealed: bytes | None,
    *,
    asked_for: bool,
) -> DictRow:
    """Record and emit; the row is written with the events unless somebody asks for it before."""
    facts = interaction.model_dump(exclude={"event_type", "user_id", "occurred_at"})
    if facts["device"] is None:
        del facts["device"]
    clicks = facts.pop("clicks", 0)
    if isinstance(interaction, Posted):
        del facts["text"]  # stays here, sealed
    details = dict(facts)
    if isinstance(interaction, Viewed):
        facts["clicks"] = clicks
    elif isinstance(interaction, Posted):
        facts["post_id"] = id_
    place = {**trail.place, "kind": kind}
    values: dict[str, Any] = {"id": id_, **place, "event_type": interaction.event_type}
    values |= {"clicks": clicks, "text_sealed": sealed, "occurred_at": at}
    values["details"] = Jsonb(details)
    if asked_for:
        row: DictRow = await unit.need(dict, SQL["record"], f"event {id_}", **values)
    else:
        values["institution_id"] = unit.institution_id
        row = unit.write_at_commit(SQL["record"], values)
    event = EVENTS[interaction.event_type](**place, **facts)
    unit.emit(event, source=SOURCE, at=at, event_id=id_)
    return row


async def _complete(unit: Unit, trail: Trail, at: datetime) -> None:
    """The first time, the enrollment moves on."""
    enrollment = await enrollments.studying(unit, trail.user_id, UUID(trail.course_id), at)
    if await unit.execute(SQL["complete"], at=at, **trail.place):
        await enrollments.work_done(unit, enrollment, at)


async def _complete_silently(unit: Unit, cause: str, trail: Trail, kind: str, at: datetime) -> None:
    """The interaction ``cause`` was enough: the completion is an event of its own.

    Under the learner's enrollment lock, so that two interactions at once complete it once. The
    event comes before what follows from it.
    """
    enrollment = await enrollments.studying(unit, trail.user_id, UUID(trail.course_id), at)
    if not await unit.execute(SQL["complete"], at=at, **trail.place):
        return
    id_, place = named_id(cause, "completed"), {**trail.place, "kind": kind}
    values: dict[str, Any] = {"event_type": COMPLETED, "clicks": 0, "text_sealed": None}
    values |= {"details": Jsonb({}), "occurred_at": at}
    await unit.execute(SQL["record"], id=id_, **place, **values)
    unit.emit(EVENTS[COMPLETED](**place), source=SOURCE, at=at, event_id=id_)
    await enrollments.work_done(unit, enrollment, at)
