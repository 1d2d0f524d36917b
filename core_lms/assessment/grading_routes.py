"""Results, grading by a person, and the history of a grade."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.assessment import grading, resource, results
from core_lms.assessment.attempt_schemas import (
    HistoryEntry,
    QuestionGrade,
    Results,
    WaitingSubmission,
)
from core_lms.assessment.clock import Now
from core_lms.assessment.schemas import Submission
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from gateway.pages import InWindow, Page

router = APIRouter()


@router.get("/courses/{course_id}/grading-queue", response_model=Page[WaitingSubmission])
async def list_grading_queue(
    course_id: UUID, units: Annotated[Units, action("submission.queue")], window: InWindow
) -> dict[str, Any]:
    """List the work of a course that waits for a person, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await results.queue(unit, course_id, window)


@router.get("/submissions/{submission_id}", response_model=Submission)
async def get_submission(
    submission_id: UUID, units: Annotated[Units, action("submission.read")], now: Now
) -> Any:
    """Read one submission; learners see its score once the results are out."""
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await results.submission(unit, submission_id, now)


@router.get("/submissions/{submission_id}/results", response_model=Results)
async def get_submission_results(
    submission_id: UUID, units: Annotated[Units, action("submission.results")], now: Now
) -> Any:
    """Read a submission question by question, with feedback; 409 while the results are not out."""
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await results.results(unit, submission_id, now)


@router.post("/submissions/{submission_id}/questions/{question_id}/grade", response_model=Results)
async def grade_question(
    submission_id: UUID,
    question_id: UUID,
    body: QuestionGrade,
    units: Annotated[Units, action("submission.grade")],
    now: Now,
) -> Any:
    """Give points for one question of a submission; the last one that waited makes the score. The
    same again changes nothing.
    """
    async with units.begin(resource.Submission(submission_id)) as unit:
        await grading.by_hand(unit, submission_id, question_id, body, now)
        return await results.results(unit, submission_id, now)


@router.get("/submissions/{submission_id}/history", response_model=Page[HistoryEntry])
async def list_submission_history(
    submission_id: UUID, units: Annotated[Units, action("submission.history")], window: InWindow
) -> dict[str, Any]:
    """List how points and score came to be; what, when, by whom, why."""
    async with units.begin(resource.Submission(submission_id)) as unit:
        return await results.history(unit, submission_id, window)
