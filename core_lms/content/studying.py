"""What learners do with items: recorded, emitted, and when that completes the item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from contracts.event import EVENTS
from contracts.ids import named_id
from core_lms.content import repository, types
from core_lms.content.schemas import Interaction, Posted, Viewed, Watched
from core_lms.enrollments import service as enrollments
from core_lms.idempotency import Creation, begun, creation
from core_lms.moments import moment
from core_lms.sealing import texts
from core_lms.sealing.texts import POST
from core_lms.unit import Unit
from core_lms.units import Units
from gateway.errors import Conflict, NotFound

SOURCE = "content-service"
COMPLETED = "content.completed"


@dataclass(frozen=True, slots=True)
class Trail:
    """What one learner did with one item, asked of the database when a kind wants to know."""

    unit: Unit
    user_id: str
    course_id: str
    item_id: str

    async def watched_s(self, duration_s: float) -> float:
        return await repository.watched_s(self.unit, self.user_id, self.item_id, duration_s)

    async def times(self, event_type: str) -> int:
        return await repository.times(
            self.unit,
            event_type,
            user_id=self.user_id,
            course_id=self.course_id,
            item_id=self.item_id,
        )

    async def handed_in(self, assessment_id: str) -> bool:
        return await repository.handed_in(
            self.unit, assessment_id, user_id=self.user_id, course_id=self.course_id
        )


def recording(
    asker: Units | Unit, course_id: UUID, item_id: UUID, interaction: Interaction
) -> Creation:
    """What ``record`` has to ask first."""
    return creation(
        asker,
        "event",
        interaction,
        course_id,
        item_id,
        query=repository.PLACE,
        course_id=course_id,
        item_id=item_id,
        user_id=interaction.user_id,
        writes=isinstance(interaction, Posted),
    )


async def record(
    unit: Unit, course_id: UUID, item_id: UUID, interaction: Interaction, asked: Creation
) -> tuple[DictRow, bool]:
    """What an enrolled learner did with an item, and whether it is new.

    The row may be empty until the unit has ended.

    Completing an item for the first time moves the enrollment on, up to completing the course.
    Where the kind says that this interaction is enough, the item is completed without a request.
    Raises ``Rejected`` for an interaction the kind does not take and ``Conflict`` where the course
    is not published, the item is not open, or the learner was not enrolled then.
    """
    id_ = asked.id
    unit.clash = lambda error: Conflict(f"there is an event {id_}")
    repeated, item = await begun(unit, asked)
    if repeated:
        return _found(await repository.recorded(unit, id_), f"event {id_}"), False
    at = moment(unit, interaction.occurred_at)
    item = _found(item, f"item {item_id} in course {course_id}")
    types.accepts(item["kind"], interaction.event_type)
    _usable(item, course_id, item_id, interaction.user_id, at)
    trail = Trail(unit, interaction.user_id, str(course_id), str(item_id))
    kind = types.of(item["kind"])
    enough = interaction.event_type in kind.completing(item["metadata"])
    sealed = None
    if isinstance(interaction, Posted):
        key = texts.writing(interaction.user_id, item["wrapped_key"])
        sealed = POST.seal(key, interaction.text, id_)
    row = await _write(unit, id_, trail, item["kind"], interaction, at, sealed, asked_for=enough)
    if isinstance(interaction, Watched):
        await repository.watch(
            unit, interaction.user_id, item_id, interaction.from_s, interaction.to_s
        )
    if interaction.event_type == COMPLETED:
        lacking = await kind.lacking(item["metadata"], trail)
        if lacking is not None:
            raise Conflict(f"item {item_id} is not completed yet: {lacking}")
        await _complete(unit, trail, at)
    elif enough and await kind.lacking(item["metadata"], trail) is None:
        await _complete_silently(unit, id_, trail, item["kind"], at)
    return row, True


def answered(row: DictRow, interaction: Interaction) -> DictRow:
    """What the learner is answered: the row, once its unit has ended, and the text of a post."""
    if isinstance(interaction, Posted):
        return row | {"details": row["details"] | {"text": interaction.text}}
    return row


def _usable(item: DictRow, course_id: UUID, item_id: UUID, user_id: str, at: datetime) -> None:
    """Raises ``Conflict`` for what a learner could not have done at that moment.

    What was done before leaving counts, whenever it arrives.
    """
    if item["course_status"] != "published":
        raise Conflict(f"course {course_id} is {item['course_status']}, not published")
    if item["archived_at"] is not None and at >= item["archived_at"]:
        raise Conflict(f"item {item_id} is archived")
    if item["opens_at"] is not None and min(at, datetime.now(UTC)) < item["opens_at"]:
        raise Conflict(f"item {item_id} opens at {item['opens_at'].isoformat()}")
    if item["enrollment_status"] is None:
        raise Conflict(f"user {user_id} is not enrolled in course {course_id}")
    left = item["dropped_at"]
    if item["enrollment_status"] == "dropped" and (left is None or at >= left):
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
    place = _place(trail, kind)
    values: dict[str, Any] = {"id": id_, **place, "event_type": interaction.event_type}
    values |= {"clicks": clicks, "text_sealed": sealed, "occurred_at": at}
    row: DictRow | None
    if asked_for:
        row = await repository.record(unit, details, **values)
    else:
        row = repository.record_last(unit, details, **values)
    event = EVENTS[interaction.event_type](**place, **facts)
    unit.emit(event, source=SOURCE, at=at, event_id=id_)
    return _found(row, f"event {id_}")


async def _complete(unit: Unit, trail: Trail, at: datetime) -> bool:
    """Whether it is the first time; then the enrollment moves on."""
    enrollment = await enrollments.studying(unit, trail.user_id, UUID(trail.course_id), at)
    first = await repository.complete(unit, trail.user_id, trail.item_id, trail.course_id, at)
    if first:
        await enrollments.work_done(unit, enrollment, at)
    return first


async def _complete_silently(unit: Unit, cause: str, trail: Trail, kind: str, at: datetime) -> None:
    """The interaction ``cause`` was enough: the completion is an event of its own.

    Under the learner's enrollment lock, so that two interactions at once complete it once. The
    event comes before what follows from it.
    """
    enrollment = await enrollments.studying(unit, trail.user_id, UUID(trail.course_id), at)
    if not await repository.complete(unit, trail.user_id, trail.item_id, trail.course_id, at):
        return
    id_, place = named_id(cause, "completed"), _place(trail, kind)
    await repository.record(
        unit,
        {},
        id=id_,
        **place,
        event_type=COMPLETED,
        clicks=0,
        text_sealed=None,
        occurred_at=at,
    )
    unit.emit(EVENTS[COMPLETED](**place), source=SOURCE, at=at, event_id=id_)
    await enrollments.work_done(unit, enrollment, at)


def _place(trail: Trail, kind: str) -> dict[str, Any]:
    return {
        "user_id": trail.user_id,
        "course_id": trail.course_id,
        "item_id": trail.item_id,
        "kind": kind,
    }


def _found(row: DictRow | None, what: str) -> DictRow:
    if row is None:
        raise NotFound(f"there is no {what}")
    return row
