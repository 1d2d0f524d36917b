"""Cohorts: groups of learners of one course."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.courses import cohorts, resource
from core_lms.courses.schemas import Cohort, CohortChange, Member, NewCohort, NewMember
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["cohorts"], responses=RESPONSES)


@router.post("/courses/{course_id}/cohorts", status_code=HTTPStatus.CREATED)
async def create_cohort(
    course_id: UUID, body: NewCohort, units: Annotated[Units, action("cohort.create", keyed=True)]
) -> Cohort:
    """Make a group for a course; emits `cohort.created`."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await cohorts.add(unit, course_id, body)


@router.get("/courses/{course_id}/cohorts", response_model=Page[Cohort])
async def list_course_cohorts(
    course_id: UUID, units: Annotated[Units, action("cohort.list")], window: InWindow
) -> dict[str, Any]:
    """List the groups of a course, oldest first."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await cohorts.of_course(unit, course_id, window)


@router.get("/cohorts/{cohort_id}", response_model=Cohort, responses=etags.READ)
async def get_cohort(
    cohort_id: UUID, units: Annotated[Units, action("cohort.read")], reader: InReader
) -> Any:
    """Read one group."""
    async with units.begin(resource.Cohort(cohort_id)) as unit:
        return reader.answer(await cohorts.get(unit, cohort_id))


@router.patch("/cohorts/{cohort_id}", response_model=Cohort, responses=etags.UPDATE)
async def update_cohort(
    cohort_id: UUID,
    body: CohortChange,
    units: Annotated[Units, action("cohort.update")],
    writer: InWriter,
) -> Any:
    """Change name or dates of a group; emits `cohort.updated`."""
    async with units.begin(resource.Cohort(cohort_id)) as unit:
        return writer.answer(await cohorts.change(unit, cohort_id, body, writer.check))


@router.get("/cohorts/{cohort_id}/members", response_model=Page[Member])
async def list_cohort_members(
    cohort_id: UUID, units: Annotated[Units, action("cohort-member.list")], window: InWindow
) -> dict[str, Any]:
    """List who is in a group, by when they joined."""
    async with units.begin(resource.Cohort(cohort_id)) as unit:
        return await cohorts.members(unit, cohort_id, window)


@router.post("/cohorts/{cohort_id}/members", status_code=HTTPStatus.CREATED)
async def add_cohort_member(
    cohort_id: UUID,
    body: NewMember,
    units: Annotated[Units, action("cohort-member.add", keyed=True)],
) -> Member:
    """Put a learner of the course into a group; emits `cohort.joined` (and `cohort.left`)."""
    async with units.begin(resource.Cohort(cohort_id)) as unit:
        return await cohorts.join(unit, cohort_id, body)


@router.delete("/cohorts/{cohort_id}/members/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def remove_cohort_member(
    cohort_id: UUID, user_id: UUID, units: Annotated[Units, action("cohort-member.remove")]
) -> None:
    """Take a learner out of a group; emits `cohort.left`."""
    async with units.begin(resource.Cohort(cohort_id)) as unit:
        await cohorts.remove(unit, cohort_id, user_id)
