"""``/courses``: making, finding, publishing, copying them, who teaches them, what comes before."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from core_lms import answers
from core_lms.answers import Answer
from core_lms.courses import (
    cohort_routes,
    copying,
    outline_routes,
    prerequisites,
    publishing,
    resource,
    schemas,
    service,
    staff,
)
from core_lms.courses.repository import SQL
from core_lms.unit import Unit
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution


def _rendered(unit: Unit) -> Answer:
    return service.shown(schemas.Course(**unit.row))


_courses = APIRouter(prefix="/courses", tags=["courses"], responses=RESPONSES)


@_courses.post("", status_code=HTTPStatus.CREATED)
async def create_course(
    body: schemas.NewCourse, units: Annotated[Units, action("course.create", keyed=True)]
) -> schemas.Course:
    """Create a draft course; emits `course.created`."""
    async with units.begin(Institution()) as unit:
        return await service.create(unit, body)


@_courses.get("", response_model=Page[schemas.Course])
async def list_courses(
    units: Annotated[Units, action("course.list")],
    window: InWindow,
    status: Annotated[schemas.CourseStatus | None, Query()] = None,
    tag: Annotated[
        list[schemas.Tag] | None,
        Query(max_length=10, description="may come several times: all of them"),
    ] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description='words as one types them into a search box: `statistics -r "two samples"`',
        ),
    ] = None,
) -> dict[str, Any]:
    """List the courses you may see; oldest first, or with `q` those that match, the best first.

    Published ones; whoever teaches a course sees it as a draft too, administrators see all.
    """
    async with units.browse(Institution()) as unit:
        return await service.page(unit, window, status, tag, q)


@_courses.get("/{course_id}", response_model=schemas.Course, responses=etags.READ)
async def get_course(
    course_id: UUID, units: Annotated[Units, action("course.read")], reader: InReader
) -> Any:
    """Read one course."""
    about = resource.Course(course_id)
    entry = answers.course(units.caller.institution_id, course_id)
    course = await units.cached(about, entry, _rendered, SQL["get"], id=course_id)
    return reader.send(course.tag, course.body)


@_courses.patch("/{course_id}", response_model=schemas.Course, responses=etags.UPDATE)
async def update_course(
    course_id: UUID,
    body: schemas.CourseChange,
    units: Annotated[Units, action("course.update")],
    writer: InWriter,
) -> Any:
    """Change what a course says, its seats and dates; emits `course.updated`.

    More seats are given at once to whoever waits.
    """
    async with units.begin(resource.Course(course_id)) as unit:
        course = await service.change(unit, course_id, body, writer.check)
        unit.through[answers.course(unit.institution_id, course_id)] = service.shown(course)
    return writer.answer(course)


@_courses.get("/{course_id}/readiness", response_model=schemas.Readiness)
async def get_course_readiness(
    course_id: UUID, units: Annotated[Units, action("course.review")]
) -> dict[str, Any]:
    """Say whether a course could be published now, and what is missing."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await publishing.readiness(unit, course_id)


@_courses.post("/{course_id}/publish")
async def publish_course(
    course_id: UUID, units: Annotated[Units, action("course.publish")]
) -> schemas.Course:
    """Open a course to learners; emits `course.published`. 409 names what is missing."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await publishing.publish(unit, course_id)


@_courses.post("/{course_id}/unpublish")
async def unpublish_course(
    course_id: UUID, units: Annotated[Units, action("course.publish")]
) -> schemas.Course:
    """Make a course a draft again while nobody has enrolled; emits `course.unpublished`."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await publishing.unpublish(unit, course_id)


@_courses.post("/{course_id}/archive")
async def archive_course(
    course_id: UUID, units: Annotated[Units, action("course.archive")]
) -> schemas.Course:
    """Close a course; emits `course.archived` the first time."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await publishing.archive(unit, course_id)


@_courses.post("/{course_id}/copy", status_code=HTTPStatus.CREATED)
async def copy_course(
    course_id: UUID,
    body: schemas.NewCopy,
    units: Annotated[Units, action("course.copy", keyed=True)],
) -> schemas.Course:
    """Copy a course for its next run; structure, not learners. Emits `course.created` and
    `course.copied`.
    """
    async with units.begin(resource.Course(course_id)) as unit:
        return await copying.make(unit, course_id, body)


@_courses.get("/{course_id}/instructors", response_model=schemas.Instructors)
async def list_course_instructors(
    course_id: UUID, units: Annotated[Units, action("instructor.list")]
) -> dict[str, Any]:
    """List who teaches a course."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await staff.of(unit, course_id)


@_courses.post("/{course_id}/instructors", status_code=HTTPStatus.CREATED)
async def add_course_instructor(
    course_id: UUID,
    body: schemas.NewInstructor,
    units: Annotated[Units, action("instructor.add", keyed=True)],
) -> schemas.Instructor:
    """Have somebody else of the staff teach a course too; emits `course.updated`."""
    async with units.begin(resource.Course(course_id)) as unit:
        return await staff.add(unit, course_id, body)


@_courses.delete("/{course_id}/instructors/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def remove_course_instructor(
    course_id: UUID, user_id: UUID, units: Annotated[Units, action("instructor.remove")]
) -> None:
    """No longer have somebody teach a course; emits `course.updated`."""
    async with units.begin(resource.Course(course_id)) as unit:
        await staff.remove(unit, course_id, user_id)


@_courses.get(
    "/{course_id}/prerequisites", response_model=schemas.PrerequisitesOf, responses=etags.READ
)
async def get_course_prerequisites(
    course_id: UUID, units: Annotated[Units, action("prerequisite.read")], reader: InReader
) -> Any:
    """List the courses to complete before one enrolls."""
    async with units.begin(resource.Course(course_id)) as unit:
        return reader.answer(await prerequisites.of(unit, course_id))


@_courses.put(
    "/{course_id}/prerequisites", response_model=schemas.PrerequisitesOf, responses=etags.UPDATE
)
async def replace_course_prerequisites(
    course_id: UUID,
    body: schemas.Prerequisites,
    units: Annotated[Units, action("prerequisite.update")],
    writer: InWriter,
) -> Any:
    """Replace the prerequisites of a course; never a circle. Emits `course.updated`."""
    async with units.begin(resource.Course(course_id)) as unit:
        return writer.answer(
            await prerequisites.put(unit, course_id, body.course_ids, writer.check)
        )


_courses.include_router(outline_routes.router)

router = APIRouter()
router.include_router(_courses)
router.include_router(cohort_routes.router)
