"""Assessments of a course, submissions, grades, feedback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from core_lms.assessment import (
    attempt_routes,
    grading_routes,
    question_routes,
    quiz_routes,
    resource,
    results,
    service,
)
from core_lms.assessment.clock import Now
from core_lms.assessment.schemas import (
    Assessment,
    AssessmentChange,
    Feedback,
    Grade,
    NewAssessment,
    NewFeedback,
    NewSubmission,
    Submission,
)
from core_lms.courses.resource import Course
from core_lms.idempotency import made
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import Cursor, Limit, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["assessment"], responses=RESPONSES)


@router.post("/courses/{course_id}/assessments", status_code=HTTPStatus.CREATED)
async def create_assessment(
    course_id: UUID,
    body: NewAssessment,
    units: Annotated[Units, action("assessment.create", keyed=True)],
    response: Response,
) -> Assessment:
    """Set work in a course; emits `assessment.created` and `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return made(response, await service.add(unit, course_id, body))


@router.get("/courses/{course_id}/assessments", response_model=Page[Assessment])
async def list_course_assessments(
    course_id: UUID,
    units: Annotated[Units, action("assessment.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """List the assessments of a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await service.page(unit, course_id, cursor, limit)


@router.get("/assessments/{assessment_id}", response_model=Assessment, responses=etags.READ)
async def get_assessment(
    assessment_id: UUID, units: Annotated[Units, action("assessment.read")], reader: InReader
) -> Any:
    """Read one assessment with its rules."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        assessment = await service.get(unit, assessment_id)
    return reader.answer(assessment)


@router.patch("/assessments/{assessment_id}", response_model=Assessment, responses=etags.UPDATE)
async def update_assessment(
    assessment_id: UUID,
    body: AssessmentChange,
    units: Annotated[Units, action("assessment.update")],
    writer: InWriter,
) -> Any:
    """Change dates and rules of an assessment; emits `assessment.updated`. Open attempts keep their
    time limit.
    """
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        assessment = await service.change(unit, assessment_id, body, writer.check)
    return writer.answer(assessment)


@router.post("/assessments/{assessment_id}/release")
async def release_assessment(
    assessment_id: UUID, units: Annotated[Units, action("assessment.release")], now: Now
) -> Assessment:
    """Let learners see scores and results, for good; sending it again is harmless."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await service.release(unit, assessment_id, now)


@router.post("/assessments/{assessment_id}/submissions", status_code=HTTPStatus.CREATED)
async def create_submission(
    assessment_id: UUID,
    body: NewSubmission,
    units: Annotated[Units, action("submission.create", keyed=True)],
    response: Response,
) -> Submission:
    """Hand in work that asks no questions; emits `assessment.submitted`."""
    asked = service.submitting(units, assessment_id, body)
    about = resource.Assessment(assessment_id, body.user_id)
    async with units.begin(about, *asked.statements) as unit:
        return made(response, await service.submit(unit, assessment_id, body, asked))


@router.get("/assessments/{assessment_id}/submissions", response_model=Page[Submission])
async def list_assessment_submissions(
    assessment_id: UUID,
    units: Annotated[Units, action("submission.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """List what was handed in, oldest first."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await results.submissions(unit, assessment_id, cursor, limit)


@router.post("/submissions/{submission_id}/grade")
async def grade_submission(
    submission_id: UUID, body: Grade, units: Annotated[Units, action("submission.grade")]
) -> Submission:
    """Score work that asks no questions; emits `assessment.graded`. Sending the same grade again is
    harmless.
    """
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await service.grade(unit, submission_id, body)


@router.post("/submissions/{submission_id}/feedback", status_code=HTTPStatus.CREATED)
async def create_feedback(
    submission_id: UUID,
    body: NewFeedback,
    units: Annotated[Units, action("feedback.give", keyed=True)],
    response: Response,
) -> Feedback:
    """Comment on a submission; emits `assessment.feedback.given`."""
    async with units.begin(resource.Submission(submission_id)) as unit:
        return made(response, await service.give_feedback(unit, submission_id, body))


for more in (question_routes, quiz_routes, attempt_routes, grading_routes):
    router.include_router(more.router)
