"""What an assessment asks, and what is granted to single learners."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.assessment import accommodations, resource, service, slots
from core_lms.assessment.attempt_schemas import Accommodation, NewAccommodation
from core_lms.assessment.question_schemas import NewPart, Part
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from gateway.pages import InWindow, Page

router = APIRouter()


@router.post("/assessments/{assessment_id}/parts", status_code=HTTPStatus.CREATED)
async def create_assessment_part(
    assessment_id: UUID, body: NewPart, units: Annotated[Units, action("part.create", keyed=True)]
) -> Part:
    """Have the assessment ask a question, or some drawn from a bank for each attempt anew."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await slots.add(unit, assessment_id, body)


@router.get("/assessments/{assessment_id}/parts")
async def list_assessment_parts(
    assessment_id: UUID, units: Annotated[Units, action("part.list")]
) -> list[Part]:
    """List what an assessment asks, in order."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await slots.listed(unit, assessment_id)


@router.delete("/assessments/{assessment_id}/parts/{part_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_assessment_part(
    assessment_id: UUID, part_id: UUID, units: Annotated[Units, action("part.delete")]
) -> None:
    """No longer ask a question in attempts to come."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        await slots.remove(unit, assessment_id, part_id)


@router.post("/assessments/{assessment_id}/accommodations", status_code=HTTPStatus.CREATED)
async def grant_assessment_accommodation(
    assessment_id: UUID,
    body: NewAccommodation,
    units: Annotated[Units, action("accommodation.grant", keyed=True)],
) -> Accommodation:
    """Give a learner more time, attempts or later dates at an assessment, at once."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        assessment = await service.get(unit, assessment_id)
        course_id = assessment.course_id
        return await accommodations.grant(unit, course_id, assessment_id, body)


@router.get("/assessments/{assessment_id}/accommodations", response_model=Page[Accommodation])
async def list_assessment_accommodations(
    assessment_id: UUID, units: Annotated[Units, action("accommodation.list")], window: InWindow
) -> dict[str, Any]:
    """List what single learners get at an assessment, the whole course's included."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        assessment = await service.get(unit, assessment_id)
        return await accommodations.page(unit, assessment.course_id, assessment_id, window)


@router.delete(
    "/assessments/{assessment_id}/accommodations/{user_id}", status_code=HTTPStatus.NO_CONTENT
)
async def withdraw_assessment_accommodation(
    assessment_id: UUID, user_id: UUID, units: Annotated[Units, action("accommodation.withdraw")]
) -> None:
    """Take back what was granted to a learner for an assessment."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        assessment = await service.get(unit, assessment_id)
        await accommodations.withdraw(unit, assessment.course_id, assessment_id, user_id)


@router.post("/courses/{course_id}/accommodations", status_code=HTTPStatus.CREATED)
async def grant_course_accommodation(
    course_id: UUID,
    body: NewAccommodation,
    units: Annotated[Units, action("accommodation.grant", keyed=True)],
) -> Accommodation:
    """Give a learner more time, attempts or later dates at all assessments of a course."""
    async with units.begin(Course(course_id)) as unit:
        return await accommodations.grant(unit, course_id, None, body)


@router.get("/courses/{course_id}/accommodations", response_model=Page[Accommodation])
async def list_course_accommodations(
    course_id: UUID, units: Annotated[Units, action("accommodation.list")], window: InWindow
) -> dict[str, Any]:
    """List what single learners get in a course."""
    async with units.begin(Course(course_id)) as unit:
        return await accommodations.page(unit, course_id, None, window)


@router.delete("/courses/{course_id}/accommodations/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def withdraw_course_accommodation(
    course_id: UUID, user_id: UUID, units: Annotated[Units, action("accommodation.withdraw")]
) -> None:
    """Take back what was granted to a learner for a whole course."""
    async with units.begin(Course(course_id)) as unit:
        await accommodations.withdraw(unit, course_id, None, user_id)
