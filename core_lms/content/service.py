"""Items of courses: adding, showing, changing, putting away; what learners have completed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from core_lms import answers, pages
from core_lms.answers import Answer
from core_lms.content import media, types
from core_lms.content.links import link
from core_lms.content.repository import SQL, ItemToOpen, SealedPost
from core_lms.content.schemas import CompletedItem, Item, ItemChange, NewItem, Post
from core_lms.content.settings import ContentSettings
from core_lms.courses import outline
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.plugins import plugins
from core_lms.sealing import texts
from core_lms.sealing.texts import POST
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.decision import Right
from gateway.errors import Conflict
from gateway.etags import Check
from gateway.pages import bounds

PREVIEW = Right("item.preview")
LIST_ALL = Right("completed-item.list-all")
"""To list what somebody completed in other courses than those one teaches."""
_page = TypeAdapter(pages.Page[Item])

FOR_LEARNERS = ("body", "url", "media_id", "captions")
"""Members of an item's metadata that are the content itself, not a word about it."""


async def add(unit: Unit, course_id: UUID, item: NewItem) -> tuple[Item, bool]:
    """The item and whether it is new; emits ``course.updated``."""
    id_, repeated = await claim(unit, "item", item, course_id)
    if repeated:
        return await _item(unit, "get", id_), False
    await courses.changeable(unit, course_id)
    await _fits(unit, course_id, item.kind, item.metadata)
    if item.module_id is not None:
        await outline.usable_module(unit, course_id, item.module_id)
    unit.conflicts(f"there is an item {id_}")
    row = await _item(unit, "insert", id_, course_id=course_id, **item.model_dump())
    await courses.structure_changed(unit, course_id)
    return row, True


async def _fits(unit: Unit, course_id: UUID, kind: str, metadata: dict[str, Any]) -> None:
    """Raises ``Rejected`` for metadata that the kind does not take or a file that is not there."""
    types.checked(kind, metadata)
    await media.known(unit, course_id, types.of(kind).media_ids(metadata))


async def change(unit: Unit, course_id: UUID, id_: UUID, changes: ItemChange, check: Check) -> Item:
    """Everything but kind and place; emits ``course.updated`` where something differs."""
    await courses.changeable(unit, course_id)
    row = await _locked(unit, course_id, id_)
    check(row)
    if row.archived_at is not None:
        raise Conflict(f"item {id_} is archived")
    before = row.model_dump(include=set(ItemChange.model_fields))
    values = before | changes.model_dump(exclude_unset=True)
    for name in ("title", "required", "metadata"):
        if values[name] is None:
            values[name] = before[name]
    if values["module_id"] is not None:
        values["module_id"] = UUID(str(values["module_id"]))
    if values == before:
        return row
    if values["metadata"] != row.metadata:
        await _fits(unit, course_id, row.kind, values["metadata"])
    if values["module_id"] not in (None, row.module_id):
        await outline.usable_module(unit, course_id, str(values["module_id"]))
    changed = await _item(unit, "change", id_, **values)
    await courses.structure_changed(unit, course_id)
    return changed


async def archive(unit: Unit, course_id: UUID, id_: UUID) -> Item:
    """Put an item away; what learners did with it stays. Emits ``course.updated``."""
    await courses.changeable(unit, course_id)
    row = await _locked(unit, course_id, id_)
    if row.archived_at is not None:
        return row
    archived = await _item(unit, "archive", id_)
    await courses.structure_changed(unit, course_id)
    return archived


async def _locked(unit: Unit, course_id: UUID, id_: UUID) -> Item:
    what = f"item {id_} in course {course_id}"
    return await unit.need(Item, SQL["lock"], what, id=id_, course_id=course_id)


async def _item(unit: Unit, name: str, id_: object, /, **values: Any) -> Item:
    """The item after a statement."""
    if "metadata" in values:
        values["metadata"] = Jsonb(values["metadata"])
    return await unit.need(Item, SQL[name], f"item {id_}", id=id_, **values)


def previews(unit: Unit) -> bool:
    """Whether the caller sees the content itself in lists, and before and after it is open."""
    return unit.may(PREVIEW)


def asked(course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """What the ``list`` of items asks for; raises ``Rejected`` for a cursor not of ours."""
    return {"course_id": course_id, **bounds(pages.decode(cursor, int), limit + 1)}


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


async def opened(unit: Unit, course_id: UUID, id_: UUID) -> tuple[Item, dict[str, Any]]:
    """The item's row, and what a client needs to show it to the caller: ``opens_at``, ``content``.

    Learners get no content before the module opens or after the item was archived.
    """
    what = f"item {id_} in course {course_id}"
    found = await unit.need(ItemToOpen, SQL["opened"], what, id=id_, course_id=course_id)
    row, opens_at = Item(**found.model_dump(exclude={"opens_at"})), found.opens_at
    closed = opens_at is not None and datetime.now(UTC) < opens_at
    if (closed or row.archived_at is not None) and not previews(unit):
        shown = row.model_copy(update={"metadata": _about(row.metadata)})
        return shown, {"opens_at": opens_at, "content": None}
    kind = types.of(row.kind)
    ready = await media.ready(unit, course_id) if kind.media_ids(row.metadata) else set()
    content = kind.shown(row.metadata, Links(unit, ready))
    if "video.watched" in kind.interactions and unit.caller.user_id is not None:
        who = {"user_id": unit.caller.user_id, "item_id": id_}
        content["resume_s"] = await unit.value(SQL["resume"], **who)
    return row, {"opens_at": opens_at, "content": content}


def _about(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in FOR_LEARNERS}


async def posts(
    unit: Unit, course_id: UUID, id_: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """What was written in a forum, oldest first."""
    where: dict[str, Any] = {"course_id": course_id, "item_id": id_}
    found = await pages.read(unit, SealedPost, SQL["posts"], cursor, limit, **where)
    return found | {"items": [_unsealed(row) for row in found["items"]]}


def _unsealed(row: SealedPost) -> Post:
    sealed = asdict(row)
    text = POST.open(texts.reading(row.user_id, row.wrapped_key), sealed)
    return Post(**sealed | {"text": text})


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


async def completed_items(unit: Unit, user_id: UUID) -> list[CompletedItem]:
    """What a learner has completed, for their teachers what of it is in their courses.

    Raises ``NotFound`` for an unknown learner.
    """
    await users.get(unit, user_id)
    taught_by = None if unit.may(LIST_ALL) else unit.caller.user_id
    query = SQL["completed_items"]
    return await unit.all(CompletedItem, query, user_id=user_id, taught_by=taught_by)
