"""Enrollments, of a course and of a user."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from core_lms.courses.resource import Course
from core_lms.enrollments import invitation_routes, resource, service
from core_lms.enrollments.repository import SQL
from core_lms.enrollments.schemas import Enrollment, Leaving, NewEnrollment, WaitlistEntry
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway import etags
from gateway.etags import InReader
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["enrollments"], responses=RESPONSES)


@router.post(
    "/courses/{course_id}/enrollments",
    status_code=HTTPStatus.CREATED,
    responses={202: {"model": WaitlistEntry, "description": "The course is full: waiting"}},
)
async def create_enrollment(
    course_id: UUID,
    body: NewEnrollment,
    units: Annotated[Units, action("enrollment.create", keyed=True)],
    response: Response,
) -> Enrollment | WaitlistEntry:
    """Enroll in a published course; emits `enrollment.created`. Teachers invite instead.

    In a full course the learner waits instead (202, `enrollment.waitlisted`) and is enrolled under
    the same id when a seat is free.
    """
    asked = service.enrolling(units, course_id, body)
    async with units.begin(Course(course_id, body.user_id), *asked.statements) as unit:
        enrollment = await service.enroll(unit, course_id, body, asked)
    if enrollment.status == "waitlisted":
        response.status_code = HTTPStatus.ACCEPTED
    return enrollment


@router.get("/courses/{course_id}/enrollments", response_model=Page[Enrollment])
async def list_course_enrollments(
    course_id: UUID, units: Annotated[Units, action("enrollment.list")], window: InWindow
) -> dict[str, Any]:
    """List who is or was in a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await service.page(unit, "course", course_id, window)


@router.get("/users/{user_id}/enrollments", response_model=Page[Enrollment])
async def list_user_enrollments(
    user_id: UUID, units: Annotated[Units, action("enrollment.list")], window: InWindow
) -> dict[str, Any]:
    """List the courses a learner is or was in, oldest first; for their teachers those they
    teach."""
    async with units.begin(Person(user_id)) as unit:
        return await service.page(unit, "user", user_id, window)


@router.get("/enrollments/{enrollment_id}", response_model=Enrollment, responses=etags.READ)
async def get_enrollment(
    enrollment_id: UUID, units: Annotated[Units, action("enrollment.read")], reader: InReader
) -> Any:
    """Read one enrollment."""
    about = resource.Enrollment(enrollment_id)
    async with units.read(about, SQL["get"], id=enrollment_id) as unit:
        enrollment = Enrollment(**unit.row)
    return reader.answer(enrollment)


@router.post("/enrollments/{enrollment_id}/drop")
async def drop_enrollment(
    enrollment_id: UUID,
    units: Annotated[Units, action("enrollment.drop")],
    body: Leaving | None = None,
) -> Enrollment:
    """Leave a course before completing it; emits `enrollment.dropped` the first time.

    Whoever waits longest gets the seat at once.
    """
    async with units.begin(resource.Enrollment(enrollment_id)) as unit:
        return await service.drop(unit, enrollment_id, body or Leaving())


@router.get("/courses/{course_id}/waitlist", response_model=Page[WaitlistEntry])
async def list_waitlist(
    course_id: UUID, units: Annotated[Units, action("waitlist.list")], window: InWindow
) -> dict[str, Any]:
    """List who waits for a seat in a course, the next one first."""
    async with units.begin(Course(course_id)) as unit:
        return await service.queue(unit, course_id, window)


@router.get("/courses/{course_id}/waitlist/{user_id}")
async def get_waitlist_entry(
    course_id: UUID, user_id: UUID, units: Annotated[Units, action("waitlist.read")]
) -> WaitlistEntry:
    """Read a learner's place in the queue; 404 for who does not wait (any more)."""
    async with units.begin(Course(course_id, user_id)) as unit:
        return await service.waiting(unit, course_id, user_id)


@router.delete("/courses/{course_id}/waitlist/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def leave_waitlist(
    course_id: UUID, user_id: UUID, units: Annotated[Units, action("waitlist.leave")]
) -> None:
    """Wait no longer for a seat; emits `enrollment.waitlist.left`."""
    async with units.begin(Course(course_id, user_id)) as unit:
        await service.stop_waiting(unit, course_id, user_id)


router.include_router(invitation_routes.router)
