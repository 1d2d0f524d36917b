"""Enrollments, of a course and of a user."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from core_lms.courses.resource import Course
from core_lms.enrollments import resource, service
from core_lms.enrollments.schemas import Enrollment, Leaving, NewEnrollment
from core_lms.pages import Cursor, Limit, Page
from core_lms.problems import RESPONSES
from core_lms.users.resource import Person
from core_lms.work import Work, does

router = APIRouter(tags=["enrollments"], responses=RESPONSES)


@router.post(
    "/courses/{course_id}/enrollments", status_code=HTTPStatus.CREATED, response_model=Enrollment
)
async def enroll(
    course_id: UUID,
    body: NewEnrollment,
    work: Annotated[Work, does("enrollment.create", keyed=True)],
    response: Response,
) -> DictRow:
    """Enroll a learner in a published course; emits `enrollment.created`."""
    async with work.begin(Course(course_id, body.user_id)) as unit:
        enrollment, created = await service.enroll(unit, course_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return enrollment


@router.get("/courses/{course_id}/enrollments", response_model=Page[Enrollment])
async def of_course(
    course_id: UUID,
    work: Annotated[Work, does("enrollment.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Who is or was in a course, oldest first."""
    async with work.begin(Course(course_id)) as unit:
        return await service.page(unit, "course", course_id, cursor, limit)


@router.get("/users/{user_id}/enrollments", response_model=Page[Enrollment])
async def of_user(
    user_id: UUID,
    work: Annotated[Work, does("enrollment.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The courses a learner is or was in, oldest first."""
    async with work.begin(Person(user_id)) as unit:
        return await service.page(unit, "user", user_id, cursor, limit)


@router.post("/enrollments/{enrollment_id}/drop", response_model=Enrollment)
async def drop(
    enrollment_id: UUID, work: Annotated[Work, does("enrollment.drop")], body: Leaving | None = None
) -> DictRow:
    """Leave a course before completing it; emits `enrollment.dropped` the first time."""
    async with work.begin(resource.Enrollment(enrollment_id)) as unit:
        return await service.drop(unit, enrollment_id, body or Leaving())
