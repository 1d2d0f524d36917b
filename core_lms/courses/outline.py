"""Modules of a course, and the order of everything in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from core_lms.courses import service
from core_lms.courses.schemas import Module, ModuleChange, NewModule, OutlineOrder
from core_lms.idempotency import claim
from core_lms.unit import Unit
from gateway.errors import Conflict
from gateway.etags import Check
from stack.queries import load


@dataclass(frozen=True, slots=True)
class _PlacedModule:
    id: UUID
    title: str
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class _PlacedItem:
    id: UUID
    kind: str
    title: str
    required: bool
    module_id: UUID | None


_sql = load(__file__, "outline.sql", module=Module, placed=_PlacedModule, item=_PlacedItem)


async def add_module(unit: Unit, course_id: UUID, new: NewModule) -> tuple[Module, bool]:
    """The module, at the end of the course, and whether it is new; emits ``course.updated``."""
    id_, repeated = await claim(unit, "module", new, course_id)
    if repeated:
        return await module(unit, course_id, id_), False
    await service.changeable(unit, course_id)
    values = {"course_id": course_id, **new.model_dump()}
    unit.conflicts(f"there is a module {id_}")
    row = await _module(unit, "insert_module", id_, **values)
    await service.structure_changed(unit, course_id)
    return row, True


async def module(unit: Unit, course_id: object, id_: object) -> Module:
    """A module of this course; raises ``NotFound``."""
    return await _module(unit, "module", id_, course_id=course_id)


async def usable_module(unit: Unit, course_id: object, id_: str) -> None:
    """Raises ``Rejected`` for a module that an item of the course cannot be put into."""
    row = await unit.one(Module, _sql["module"], id=id_, course_id=course_id)
    if row is None or row.archived_at is not None:
        raise Rejected(f"module_id: course {course_id} has no module {id_}")


async def change_module(
    unit: Unit, course_id: UUID, id_: UUID, changes: ModuleChange, check: Check
) -> Module:
    """Title, description, opening; emits ``course.updated`` where they differ."""
    await service.changeable(unit, course_id)  # its lock is that of all its structure
    row = await module(unit, course_id, id_)
    check(row)
    before = row.model_dump(include=set(ModuleChange.model_fields))
    values = before | changes.model_dump(exclude_unset=True)
    values["title"] = values["title"] or row.title
    if values == before:
        return row
    changed = await _module(unit, "change_module", id_, **values)
    await service.structure_changed(unit, course_id)
    return changed


async def archive_module(unit: Unit, course_id: UUID, id_: UUID) -> Module:
    """Put an empty module away; an archived one stays as it is."""
    await service.changeable(unit, course_id)
    row = await module(unit, course_id, id_)
    if row.archived_at is not None:
        return row
    if await unit.value(_sql["module_has_items"], id=id_):
        raise Conflict(f"module {id_} has items: move them to another module or archive them first")
    archived = await _module(unit, "archive_module", id_)
    await service.structure_changed(unit, course_id)
    return archived


async def get(unit: Unit, course_id: UUID) -> dict[str, Any]:
    """Everything of a course in its order; raises ``NotFound`` for an unknown course."""
    await service.get(unit, course_id)
    return await _outline(unit, course_id)


async def put(unit: Unit, course_id: UUID, order: OutlineOrder, check: Check) -> dict[str, Any]:
    """Put all modules and items in a new order at once; emits ``course.updated``.

    Raises ``Rejected`` where one is missing, named twice, or of another course: half an order would
    leave the rest at places nobody chose.
    """
    await service.changeable(unit, course_id)
    before = await _outline(unit, course_id)
    check(before)
    modules = [module.id for module in order.modules]
    items: list[tuple[str, str | None]] = [(item, None) for item in order.items]
    items += [(item, module.id) for module in order.modules for item in module.items]
    present = [
        *before["items"],
        *(item for module in before["modules"] for item in module["items"]),
    ]
    _complete("module", modules, {str(module["id"]) for module in before["modules"]})
    _complete("item", [item for item, _ in items], {str(item["id"]) for item in present})
    await unit.execute(_sql["place_modules"], ids=modules, course_id=course_id)
    await unit.execute(
        _sql["place_items"],
        ids=[item for item, _ in items],
        module_ids=[module for _, module in items],
        course_id=course_id,
    )
    after = await _outline(unit, course_id)
    if after != before:
        await service.structure_changed(unit, course_id)
    return after


async def _outline(unit: Unit, course_id: UUID) -> dict[str, Any]:
    modules = await unit.all(_PlacedModule, _sql["modules"], course_id=course_id)
    within: dict[object, list[dict[str, Any]]] = {}
    for item in await unit.all(_PlacedItem, _sql["items"], course_id=course_id):
        shown = asdict(item)
        within.setdefault(shown.pop("module_id"), []).append(shown)
    return {
        "course_id": course_id,
        "items": within.get(None, []),
        "modules": [asdict(module) | {"items": within.get(module.id, [])} for module in modules],
    }


def _complete(what: str, given: list[str], present: set[str]) -> None:
    if len(set(given)) < len(given):
        twice = next(id_ for id_ in given if given.count(id_) > 1)
        raise Rejected(f"{what} {twice} is named twice")
    if unknown := set(given) - present:
        raise Rejected(f"the course has no {what} {min(unknown)}")
    if missing := present - set(given):
        raise Rejected(f"{what} {min(missing)} is missing: name every {what} of the course")


async def _module(unit: Unit, name: str, id_: object, /, **values: Any) -> Module:
    return await unit.need(Module, _sql[name], f"module {id_}", id=id_, **values)
