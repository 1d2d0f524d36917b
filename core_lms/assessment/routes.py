"""Assessments of a course, submissions, grades, feedback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.assessment import (
    attempt_routes,
    grading_routes,
    question_routes,
    quiz_routes,
    resource,
    results,
    schemas,
    service,
)
from core_lms.assessment.clock import Now
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["assessment"], responses=RESPONSES)


@router.post("/courses/{course_id}/assessments", status_code=HTTPStatus.CREATED)
async def create_assessment(
    course_id: UUID,
    body: schemas.NewAssessment,
    units: Annotated[Units, action("assessment.create", keyed=True)],
) -> schemas.Assessment:
    """Set work in a course; emits `assessment.created` and `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return await service.add(unit, course_id, body)


@router.get("/courses/{course_id}/assessments", response_model=Page[schemas.Assessment])
async def list_course_assessments(
    course_id: UUID, units: Annotated[Units, action("assessment.list")], window: InWindow
) -> dict[str, Any]:
    """List the assessments of a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await service.page(unit, course_id, window)


@router.get("/assessments/{assessment_id}", response_model=schemas.Assessment, responses=etags.READ)
async def get_assessment(
    assessment_id: UUID, units: Annotated[Units, action("assessment.read")], reader: InReader
) -> Any:
    """Read one assessment with its rules."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return reader.answer(await service.get(unit, assessment_id))


@router.patch(
    "/assessments/{assessment_id}", response_model=schemas.Assessment, responses=etags.UPDATE
)
async def update_assessment(
    assessment_id: UUID,
    body: schemas.AssessmentChange,
    units: Annotated[Units, action("assessment.update")],
    writer: InWriter,
) -> Any:
    """Change dates and rules of an assessment; emits `assessment.updated`. Open attempts keep their
    time limit.
    """
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return writer.answer(await service.change(unit, assessment_id, body, writer.check))


@router.post("/assessments/{assessment_id}/release")
async def release_assessment(
    assessment_id: UUID, units: Annotated[Units, action("assessment.release")], now: Now
) -> schemas.Assessment:
    """Let learners see scores and results, for good; sending it again is harmless."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await service.release(unit, assessment_id, now)


@router.post("/assessments/{assessment_id}/submissions", status_code=HTTPStatus.CREATED)
async def create_submission(
    assessment_id: UUID,
    body: schemas.NewSubmission,
    units: Annotated[Units, action("submission.create", keyed=True)],
) -> schemas.Submission:
    """Hand in work that asks no questions; emits `assessment.submitted`."""
    asked = service.submitting(units, assessment_id, body)
    about = resource.Assessment(assessment_id, body.user_id)
    async with units.begin(about, *asked.statements) as unit:
        return await service.submit(unit, assessment_id, body, asked)


@router.get("/assessments/{assessment_id}/submissions", response_model=Page[schemas.Submission])
async def list_assessment_submissions(
    assessment_id: UUID, units: Annotated[Units, action("submission.list")], window: InWindow
) -> dict[str, Any]:
    """List what was handed in, oldest first."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await results.submissions(unit, assessment_id, window)


@router.post("/submissions/{submission_id}/grade")
async def grade_submission(
    submission_id: UUID, body: schemas.Grade, units: Annotated[Units, action("submission.grade")]
) -> schemas.Submission:
    """Score work that asks no questions; emits `assessment.graded`. Sending the same grade again is
    harmless.
    """
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await service.grade(unit, submission_id, body)


@router.post("/submissions/{submission_id}/feedback", status_code=HTTPStatus.CREATED)
async def create_feedback(
    submission_id: UUID,
    body: schemas.NewFeedback,
    units: Annotated[Units, action("feedback.give", keyed=True)],
) -> schemas.Feedback:
    """Comment on a submission; emits `assessment.feedback.given`."""
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await service.give_feedback(unit, submission_id, body)


for more in (question_routes, quiz_routes, attempt_routes, grading_routes):
    router.include_router(more.router)
