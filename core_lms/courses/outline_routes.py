"""Modules of a course and the order of its items, below ``/courses``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.courses import outline
from core_lms.courses.resource import Course
from core_lms.courses.schemas import Module, ModuleChange, NewModule, Outline, OutlineOrder
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter

router = APIRouter()


@router.get("/{course_id}/outline", response_model=Outline, responses=etags.READ)
async def get_outline(
    course_id: UUID, units: Annotated[Units, action("outline.read")], reader: InReader
) -> Any:
    """Read everything in a course, in its order."""
    async with units.begin(Course(course_id)) as unit:
        return reader.answer(await outline.get(unit, course_id))


@router.put("/{course_id}/outline", response_model=Outline, responses=etags.UPDATE)
async def reorder_outline(
    course_id: UUID,
    body: OutlineOrder,
    units: Annotated[Units, action("outline.update")],
    writer: InWriter,
) -> Any:
    """Put everything in a course in a new order at once.

    Emits `course.updated`.
    """
    async with units.begin(Course(course_id)) as unit:
        return writer.answer(await outline.put(unit, course_id, body, writer.check))


@router.post("/{course_id}/modules", status_code=HTTPStatus.CREATED)
async def create_module(
    course_id: UUID, body: NewModule, units: Annotated[Units, action("module.create", keyed=True)]
) -> Module:
    """Add a module at the end of a course; emits `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return await outline.add_module(unit, course_id, body)


@router.get("/{course_id}/modules/{module_id}", response_model=Module, responses=etags.READ)
async def get_module(
    course_id: UUID,
    module_id: UUID,
    units: Annotated[Units, action("module.read")],
    reader: InReader,
) -> Any:
    """Read one module."""
    async with units.begin(Course(course_id)) as unit:
        return reader.answer(await outline.module(unit, course_id, module_id))


@router.patch("/{course_id}/modules/{module_id}", response_model=Module, responses=etags.UPDATE)
async def update_module(
    course_id: UUID,
    module_id: UUID,
    body: ModuleChange,
    units: Annotated[Units, action("module.update")],
    writer: InWriter,
) -> Any:
    """Change title, description or opening of a module; emits `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return writer.answer(
            await outline.change_module(unit, course_id, module_id, body, writer.check)
        )


@router.delete("/{course_id}/modules/{module_id}")
async def archive_module(
    course_id: UUID, module_id: UUID, units: Annotated[Units, action("module.archive")]
) -> Module:
    """Put an empty module away; emits `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return await outline.archive_module(unit, course_id, module_id)
