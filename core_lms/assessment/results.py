"""What came of handed-in work, for whoever may see it by now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.assessment import service
from core_lms.assessment.attempt_schemas import HistoryEntry, WaitingSubmission
from core_lms.assessment.attempts import asked, show
from core_lms.assessment.kinds import kind_of, read_question
from core_lms.assessment.repository import (
    SQL,
    KeyedEntry,
    ListedScore,
    ListedSubmission,
    SealedAttempt,
    SealedFeedback,
)
from core_lms.assessment.schemas import Assessment, Score, Submission
from core_lms.sealing import texts
from core_lms.sealing.texts import WHY
from core_lms.unit import Unit, found
from gateway.decision import allowed
from gateway.errors import Conflict
from gateway.pages import Window

_HIDDEN = {"score": None, "passed": None, "graded_at": None, "graded_by": None}


async def submission(unit: Unit, id_: UUID, now: datetime) -> Submission:
    """A submission; its score is left out for learners while results are not out."""
    row = await service.submission(unit, id_)
    if grades(unit) or await out(unit, row.assessment_id, now):
        return row
    return row.model_copy(update=_HIDDEN)


async def results(unit: Unit, id_: UUID, now: datetime) -> dict[str, Any]:
    """A submission question by question; raises ``Conflict`` while results are not out."""
    row = await service.submission(unit, id_)
    teacher = grades(unit)
    if not teacher and not await out(unit, row.assessment_id, now):
        raise Conflict(f"the results of assessment {row.assessment_id} are not out yet")
    attempt = await unit.one(SealedAttempt, SQL["attempt"], id=id_)
    comments = await unit.all(SealedFeedback, SQL["feedback_of_submission"], submission_id=id_)
    answer = {"submission": row, "feedback": list(map(service.opened, comments)), "questions": []}
    if attempt is None:
        return answer | {"status": "submitted" if row.score is None else "graded"}
    assessment = await service.get(unit, row.assessment_id)
    seed = attempt.seed if assessment.shuffle_choices else None
    rows = await asked(unit, attempt)
    solved = teacher or assessment.show_solutions
    answer["questions"] = [_result(row, seed, solved) for row in rows]
    return answer | {"status": attempt.status}


def _result(row: dict[str, Any], seed: str | None, solved: bool) -> dict[str, Any]:
    kind = kind_of(row["kind"])
    question = read_question(kind, row["body"])
    return {
        **row,
        "shown": show(row, seed),
        "explanation": question.explanation if solved else None,
        "solution": kind.solution(question) if solved else None,
    }


async def score(unit: Unit, assessment_id: UUID, user_id: UUID, now: datetime) -> Score:
    """What the assessment counts for a learner; raises ``NotFound`` while that is nothing."""
    if not grades(unit) and not await out(unit, assessment_id, now):
        raise Conflict(f"the results of assessment {assessment_id} are not out yet")
    row = await unit.one(Score, SQL["score"], assessment_id=assessment_id, user_id=user_id)
    return found(row, f"user {user_id} has no score at assessment {assessment_id}")


async def scores(unit: Unit, assessment_id: UUID, window: Window) -> dict[str, Any]:
    """What the assessment counts for each learner who has a score."""
    where: dict[str, Any] = {"assessment_id": assessment_id, "first": "updated_at"}
    return await pages.read(unit, ListedScore, SQL["scores"], window, **where)


async def submissions(unit: Unit, assessment_id: UUID, window: Window) -> dict[str, Any]:
    """What was handed in, oldest first."""
    query = SQL["submissions_of_assessment"]
    return await pages.read(unit, ListedSubmission, query, window, assessment_id=assessment_id)


async def queue(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """The work of a course that waits for a person, oldest first."""
    where: dict[str, Any] = {"course_id": course_id, "first": "submitted_at"}
    return await pages.read(unit, WaitingSubmission, SQL["queue"], window, **where)


async def history(unit: Unit, submission_id: UUID, window: Window) -> dict[str, Any]:
    """How points and score of a submission came to be, oldest first."""
    query = SQL["history"]
    page = await pages.read(unit, KeyedEntry, query, window, submission_id=submission_id)
    return page | {"items": [_opened(entry) for entry in page["items"]]}


def _opened(entry: KeyedEntry) -> HistoryEntry:
    key, sealed = texts.reading(entry.user_id, entry.wrapped_key), entry.model_dump()
    return HistoryEntry(**sealed | {"why": WHY.open(key, sealed)})


def grades(unit: Unit) -> bool:
    """Whether the caller may grade what the unit is about, and so sees everything about it."""
    return allowed(unit.caller, "submission.grade", "Submission", unit.facts)


async def out(unit: Unit, assessment_id: object, now: datetime) -> bool:
    """Whether learners may see the results by now."""
    assessment = await service.get(unit, assessment_id)
    if assessment.release == "after_due" and assessment.released_at is None:
        where = {"course_id": assessment.course_id, "assessment_id": assessment_id}
        longest = await unit.value(SQL["longest_extension"], **where)
        return released(assessment, timedelta(seconds=longest), now)
    return released(assessment, timedelta(0), now)


def released(assessment: Assessment, longest: timedelta, now: datetime) -> bool:
    """By the setting; ``longest`` is the longest extension that anybody has."""
    if assessment.released_at is not None or assessment.release == "at_once":
        return True
    due_at = assessment.due_at
    return assessment.release == "after_due" and due_at is not None and now > due_at + longest
