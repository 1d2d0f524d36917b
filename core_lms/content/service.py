"""Items of courses: adding, showing, changing, putting away; what learners have completed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from pydantic import TypeAdapter

from core_lms import answers, pages
from core_lms.answers import Answer
from core_lms.content import media, repository, types
from core_lms.content.links import link
from core_lms.content.schemas import Item, ItemChange, NewItem
from core_lms.content.settings import ContentSettings
from core_lms.courses import outline
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.plugins import plugins
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.decision import Right
from gateway.errors import Conflict, NotFound
from gateway.etags import Check

PREVIEW = Right("item.preview")
LIST_ALL = Right("completed-item.list-all")
"""To list what somebody completed in other courses than those one teaches."""
_page = TypeAdapter(pages.Page[Item])

FOR_LEARNERS = ("body", "url", "media_id", "captions")
"""Members of an item's metadata that are the content itself, not a word about it."""


async def add(unit: Unit, course_id: UUID, item: NewItem) -> tuple[DictRow, bool]:
    """The item and whether it is new; emits ``course.updated``."""
    id_, repeated = await claim(unit, "item", item, course_id)
    if repeated:
        return _found(await repository.get(unit, id_), f"item {id_}"), False
    await courses.changeable(unit, course_id)
    await _fits(unit, course_id, item.kind, item.metadata)
    if item.module_id is not None:
        await outline.usable_module(unit, course_id, item.module_id)
    try:
        row = await repository.insert(unit, id_, course_id, item)
    except UniqueViolation:
        raise Conflict(f"there is an item {id_}") from None
    await courses.structure_changed(unit, course_id)
    return _found(row, f"item {id_}"), True


async def _fits(unit: Unit, course_id: UUID, kind: str, metadata: dict[str, Any]) -> None:
    """Raises ``Rejected`` for metadata that the kind does not take or a file that is not there."""
    types.checked(kind, metadata)
    await media.known(unit, course_id, types.of(kind).media_ids(metadata))


async def change(
    unit: Unit, course_id: UUID, id_: UUID, changes: ItemChange, check: Check
) -> DictRow:
    """Everything but kind and place; emits ``course.updated`` where something differs."""
    await courses.changeable(unit, course_id)
    row = await _locked(unit, course_id, id_)
    check(row)
    if row["archived_at"] is not None:
        raise Conflict(f"item {id_} is archived")
    given = changes.model_dump(exclude_unset=True)
    values: dict[str, Any] = {name: given.get(name, row[name]) for name in ItemChange.model_fields}
    for name in ("title", "required", "metadata"):
        if values[name] is None:
            values[name] = row[name]
    if values["module_id"] is not None:
        values["module_id"] = UUID(str(values["module_id"]))
    if all(values[name] == row[name] for name in values):
        return row
    if values["metadata"] != row["metadata"]:
        await _fits(unit, course_id, row["kind"], values["metadata"])
    if values["module_id"] not in (None, row["module_id"]):
        await outline.usable_module(unit, course_id, str(values["module_id"]))
    changed = _found(await repository.change(unit, id_, **values), f"item {id_}")
    await courses.structure_changed(unit, course_id)
    return changed


async def archive(unit: Unit, course_id: UUID, id_: UUID) -> DictRow:
    """Put an item away; what learners did with it stays. Emits ``course.updated``."""
    await courses.changeable(unit, course_id)
    row = await _locked(unit, course_id, id_)
    if row["archived_at"] is not None:
        return row
    await courses.structure_changed(unit, course_id)
    return _found(await repository.archive(unit, id_), f"item {id_}")


async def _locked(unit: Unit, course_id: UUID, id_: UUID) -> DictRow:
    row = await repository.lock(unit, id_, course_id)
    return _found(row, f"item {id_} in course {course_id}")


def previews(unit: Unit) -> bool:
    """Whether the caller sees the content itself in lists, and before and after it is open."""
    return unit.may(PREVIEW)


def asked(course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """What ``repository.PAGE`` asks for; raises ``Rejected`` for a cursor that is none of ours."""
    return repository.page(course_id, pages.decode(cursor, int), limit + 1)


def page(unit: Unit, limit: int = answers.FIRST_PAGE) -> Answer:
    """The items of a course that the unit has read, in their order.

    A table of contents: the content itself is left out for everybody who does not run the course.
    """
    if not previews(unit):
        for row in unit.rows:
            row["metadata"] = _about(row["metadata"])
    return Answer.of(_page, pages.page(unit.rows, limit, "position"))


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the files of one course, signed for whoever asked."""

    unit: Unit
    ready: set[str]

    def media(self, media_id: str) -> dict[str, Any]:
        user_id = self.unit.caller.user_id
        if media_id not in self.ready:
            return {}
        if user_id is None:
            return {"url": f"/api/v1/media/{media_id}/bytes"}
        made = link(media_id, self.unit.institution_id, user_id, ContentSettings().link_s)
        return {"url": made.url, "expires_at": made.expires_at}


async def opened(unit: Unit, course_id: UUID, id_: UUID) -> tuple[DictRow, dict[str, Any]]:
    """The item's row, and what a client needs to show it to the caller: ``opens_at``, ``content``.

    Learners get no content before the module opens or after the item was archived.
    """
    found = await repository.opened(unit, id_, course_id)
    row = _found(found, f"item {id_} in course {course_id}")
    opens_at = row.pop("opens_at")
    closed = opens_at is not None and datetime.now(UTC) < opens_at
    if (closed or row["archived_at"] is not None) and not previews(unit):
        return row | {"metadata": _about(row["metadata"])}, {"opens_at": opens_at, "content": None}
    kind, metadata = types.of(row["kind"]), row["metadata"]
    ready = await media.ready(unit, course_id) if kind.media_ids(metadata) else set()
    content = kind.shown(metadata, Links(unit, ready))
    if "video.watched" in kind.interactions and unit.caller.user_id is not None:
        content["resume_s"] = await repository.resume_s(unit, unit.caller.user_id, id_)
    return row, {"opens_at": opens_at, "content": content}


def _about(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in FOR_LEARNERS}


async def posts(
    unit: Unit, course_id: UUID, id_: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """What was written in a forum, oldest first."""
    after = pages.decode(cursor, datetime)
    rows = await repository.posts(unit, course_id, id_, after, limit + 1)
    return pages.page(rows, limit)


def kinds() -> list[dict[str, Any]]:
    """Every declared kind of content."""
    return [
        {
            "kind": name,
            "about": kind.about,
            "interactions": sorted(kind.interactions),
            "metadata_schema": kind.metadata.model_json_schema(),
        }
        for name, kind in sorted(plugins(types.POINT).items())
    ]


async def completed_items(unit: Unit, user_id: UUID) -> list[DictRow]:
    """What a learner has completed, for their teachers what of it is in their courses.

    Raises ``NotFound`` for an unknown learner.
    """
    await users.get(unit, user_id)
    taught_by = None if unit.may(LIST_ALL) else unit.caller.user_id
    return await repository.completed_items(unit, user_id, taught_by)


def _found(row: DictRow | None, what: str) -> DictRow:
    if row is None:
        raise NotFound(f"there is no {what}")
    return row
