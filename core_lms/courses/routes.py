"""``/courses``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow

from core_lms.access.resource import Institution
from core_lms.courses import resource, service
from core_lms.courses.schemas import Course, CourseChange, CourseStatus, NewCourse
from core_lms.pages import Cursor, Limit, Page
from core_lms.problems import RESPONSES
from core_lms.work import Work, does

router = APIRouter(prefix="/courses", tags=["courses"], responses=RESPONSES)


@router.post("", status_code=HTTPStatus.CREATED, response_model=Course)
async def create(
    body: NewCourse, work: Annotated[Work, does("course.create", keyed=True)], response: Response
) -> DictRow:
    """Create a draft course; emits `course.created`."""
    async with work.begin(Institution()) as unit:
        course, created = await service.create(unit, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return course


@router.get("", response_model=Page[Course])
async def page(
    work: Annotated[Work, does("course.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Annotated[CourseStatus | None, Query()] = None,
) -> dict[str, Any]:
    """The courses of the institution, oldest first."""
    async with work.begin(Institution()) as unit:
        return await service.page(unit, cursor, limit, status)


@router.get("/{course_id}", response_model=Course)
async def get(course_id: UUID, work: Annotated[Work, does("course.read")]) -> DictRow:
    """One course."""
    async with work.begin(resource.Course(course_id)) as unit:
        return await service.get(unit, course_id)


@router.patch("/{course_id}", response_model=Course)
async def change(
    course_id: UUID, body: CourseChange, work: Annotated[Work, does("course.update")]
) -> DictRow:
    """Change title, description or metadata; emits `course.updated`."""
    async with work.begin(resource.Course(course_id)) as unit:
        return await service.change(unit, course_id, body)


@router.post("/{course_id}/publish", response_model=Course)
async def publish(course_id: UUID, work: Annotated[Work, does("course.publish")]) -> DictRow:
    """Open the course to learners; emits `course.published` the first time."""
    async with work.begin(resource.Course(course_id)) as unit:
        return await service.publish(unit, course_id)


@router.post("/{course_id}/archive", response_model=Course)
async def archive(course_id: UUID, work: Annotated[Work, does("course.archive")]) -> DictRow:
    """Close the course; emits `course.archived` the first time."""
    async with work.begin(resource.Course(course_id)) as unit:
        return await service.archive(unit, course_id)
