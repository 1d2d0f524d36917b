"""Attempts: begin, read, save, hand in; and what they count."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from core_lms.assessment import attempts, resource, results
from core_lms.assessment.attempt_schemas import Attempt, AttemptShown, NewAnswer, NewAttempt, Saved
from core_lms.assessment.clock import Now
from core_lms.assessment.schemas import Score, Submission
from core_lms.units import Units, action
from gateway.pages import InWindow, Page

router = APIRouter()


@router.post(
    "/assessments/{assessment_id}/attempts",
    status_code=HTTPStatus.CREATED,
    response_model=AttemptShown,
)
async def start_attempt(
    assessment_id: UUID,
    units: Annotated[Units, action("attempt.start", keyed=True)],
    now: Now,
    body: NewAttempt | None = None,
) -> Any:
    """Begin to answer an assessment's questions; an attempt that is open is gone on with (200)."""
    new = body or NewAttempt()
    whose = new.user_id or units.caller.user_id
    async with units.begin(resource.Assessment(assessment_id, whose)) as unit:
        return await attempts.start(unit, assessment_id, new, now)


@router.get("/assessments/{assessment_id}/attempts", response_model=Page[Attempt])
async def list_attempts(
    assessment_id: UUID,
    units: Annotated[Units, action("attempt.list")],
    window: InWindow,
    user_id: Annotated[UUID | None, Query(description="only this learner's")] = None,
) -> dict[str, Any]:
    """List the attempts at an assessment, oldest first; learners ask for their own."""
    async with units.begin(resource.Assessment(assessment_id, user_id)) as unit:
        return await attempts.page(unit, assessment_id, user_id, window)


@router.get("/attempts/{attempt_id}", response_model=AttemptShown)
async def get_attempt(
    attempt_id: UUID, units: Annotated[Units, action("attempt.read")], now: Now
) -> Any:
    """Read an attempt with its questions, what is saved of their answers, and the clock."""
    async with units.begin(resource.Attempt(attempt_id)) as unit:
        return await attempts.shown(unit, attempt_id, now)


@router.post("/attempts/{attempt_id}/answers", response_model=Saved)
async def save_answer(
    attempt_id: UUID, body: NewAnswer, units: Annotated[Units, action("attempt.answer")], now: Now
) -> Any:
    """Save an answer, as often as the client likes; an older `revision` changes nothing."""
    async with units.begin(resource.Attempt(attempt_id)) as unit:
        return await attempts.save(unit, attempt_id, body, now)


@router.post(
    "/attempts/{attempt_id}/submit",
    status_code=HTTPStatus.CREATED,
    response_model=Submission,
    responses={200: {"model": Submission, "description": "It was handed in before"}},
)
async def submit_attempt(
    attempt_id: UUID, units: Annotated[Units, action("attempt.submit")], now: Now
) -> Any:
    """Hand in what is saved of an attempt; emits `assessment.submitted`. Again is harmless
    (200)."""
    async with units.begin(resource.Attempt(attempt_id)) as unit:
        await attempts.submit(unit, attempt_id, now)
        return await results.submission(unit, attempt_id, now)


@router.get("/assessments/{assessment_id}/scores", response_model=Page[Score])
async def list_scores(
    assessment_id: UUID, units: Annotated[Units, action("score.list")], window: InWindow
) -> dict[str, Any]:
    """List what an assessment counts for each learner; by its rule for several attempts."""
    async with units.begin(resource.Assessment(assessment_id)) as unit:
        return await results.scores(unit, assessment_id, window)


@router.get("/assessments/{assessment_id}/scores/{user_id}")
async def get_score(
    assessment_id: UUID, user_id: UUID, units: Annotated[Units, action("score.read")], now: Now
) -> Score:
    """Read what an assessment counts for one learner."""
    async with units.begin(resource.Assessment(assessment_id, user_id)) as unit:
        return await results.score(unit, assessment_id, user_id, now)
