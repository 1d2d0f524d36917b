"""Assessments of a course, submissions, grades, feedback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from core_lms.assessment import resource, service
from core_lms.assessment.schemas import (
    Assessment,
    Feedback,
    Grade,
    NewAssessment,
    NewFeedback,
    NewSubmission,
    Submission,
)
from core_lms.courses.resource import Course
from core_lms.pages import Cursor, Limit, Page
from core_lms.problems import RESPONSES
from core_lms.work import Work, does

router = APIRouter(tags=["assessment"], responses=RESPONSES)


@router.post(
    "/courses/{course_id}/assessments", status_code=HTTPStatus.CREATED, response_model=Assessment
)
async def add(
    course_id: UUID,
    body: NewAssessment,
    work: Annotated[Work, does("assessment.create", keyed=True)],
    response: Response,
) -> DictRow:
    """Set work in a course; emits `course.updated`."""
    async with work.begin(Course(course_id)) as unit:
        assessment, created = await service.add(unit, course_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return assessment


@router.get("/courses/{course_id}/assessments", response_model=Page[Assessment])
async def page(
    course_id: UUID,
    work: Annotated[Work, does("assessment.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The assessments of a course, oldest first."""
    async with work.begin(Course(course_id)) as unit:
        return await service.page(unit, course_id, cursor, limit)


@router.post(
    "/assessments/{assessment_id}/submissions",
    status_code=HTTPStatus.CREATED,
    response_model=Submission,
)
async def submit(
    assessment_id: UUID,
    body: NewSubmission,
    work: Annotated[Work, does("submission.create", keyed=True)],
    response: Response,
) -> DictRow:
    """Hand in work; emits `assessment.submitted`."""
    async with work.begin(resource.Assessment(assessment_id, body.user_id)) as unit:
        submission, created = await service.submit(unit, assessment_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return submission


@router.post("/submissions/{submission_id}/grade", response_model=Submission)
async def grade(
    submission_id: UUID, body: Grade, work: Annotated[Work, does("submission.grade")]
) -> DictRow:
    """Score a submission; emits `assessment.graded`. Sending the same grade again is harmless."""
    async with work.begin(resource.Submission(submission_id)) as unit:
        return await service.grade(unit, submission_id, body)


@router.post(
    "/submissions/{submission_id}/feedback",
    status_code=HTTPStatus.CREATED,
    response_model=Feedback,
)
async def give_feedback(
    submission_id: UUID,
    body: NewFeedback,
    work: Annotated[Work, does("feedback.give", keyed=True)],
    response: Response,
) -> DictRow:
    """Comment on a submission; emits `assessment.feedback.given`."""
    async with work.begin(resource.Submission(submission_id)) as unit:
        feedback, created = await service.give_feedback(unit, submission_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return feedback
