"""What came of handed-in work, for whoever may see it by now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from core_lms import pages
from core_lms.assessment import repository, service
from core_lms.assessment.attempts import asked, show
from core_lms.assessment.kinds import kind_of, read_question
from core_lms.unit import Unit
from gateway.decision import allowed
from gateway.errors import Conflict, NotFound

_HIDDEN = {"score": None, "passed": None, "graded_at": None, "graded_by": None}


async def submission(unit: Unit, id_: UUID, now: datetime) -> dict[str, Any]:
    """A submission; its score is left out for learners while results are not out."""
    row = await service.submission(unit, id_)
    if grades(unit) or await out(unit, row["assessment_id"], now):
        return row
    return {**row, **_HIDDEN}


async def results(unit: Unit, id_: UUID, now: datetime) -> dict[str, Any]:
    """A submission question by question; raises ``Conflict`` while results are not out."""
    row = await service.submission(unit, id_)
    teacher = grades(unit)
    if not teacher and not await out(unit, row["assessment_id"], now):
        raise Conflict(f"the results of assessment {row['assessment_id']} are not out yet")
    attempt = await repository.one(unit, "attempt", id=id_)
    feedback = await repository.many(unit, "feedback_of_submission", submission_id=id_)
    found = {"submission": row, "feedback": list(map(service.opened, feedback)), "questions": []}
    if attempt is None:
        return found | {"status": "submitted" if row["score"] is None else "graded"}
    assessment = await service.get(unit, row["assessment_id"])
    seed = attempt["seed"] if assessment["shuffle_choices"] else None
    rows = await asked(unit, attempt)
    solved = teacher or assessment["show_solutions"]
    found["questions"] = [_result(row, seed, solved) for row in rows]
    return found | {"status": attempt["status"]}


def _result(row: DictRow, seed: str | None, solved: bool) -> dict[str, Any]:
    kind = kind_of(row["kind"])
    question = read_question(kind, row["body"])
    return {
        **row,
        "shown": show(row, seed),
        "explanation": question.explanation if solved else None,
        "solution": kind.solution(question) if solved else None,
    }


async def score(unit: Unit, assessment_id: UUID, user_id: UUID, now: datetime) -> DictRow:
    """What the assessment counts for a learner; raises ``NotFound`` while that is nothing."""
    if not grades(unit) and not await out(unit, assessment_id, now):
        raise Conflict(f"the results of assessment {assessment_id} are not out yet")
    row = await repository.one(unit, "score", assessment_id=assessment_id, user_id=user_id)
    if row is None:
        raise NotFound(f"user {user_id} has no score at assessment {assessment_id}")
    return row


async def scores(unit: Unit, assessment_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """What the assessment counts for each learner who has a score."""
    after = pages.decode(cursor, datetime)
    rows = await repository.page(unit, "scores", after, limit + 1, assessment_id=assessment_id)
    return pages.page(rows, limit, first="updated_at")


async def submissions(
    unit: Unit, assessment_id: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """What was handed in, oldest first."""
    after = pages.decode(cursor, datetime)
    values = {"assessment_id": assessment_id}
    rows = await repository.page(unit, "submissions_of_assessment", after, limit + 1, **values)
    return pages.page(rows, limit)


async def queue(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The work of a course that waits for a person, oldest first."""
    after = pages.decode(cursor, datetime)
    rows = await repository.page(unit, "queue", after, limit + 1, course_id=course_id)
    return pages.page(rows, limit)


async def history(
    unit: Unit, submission_id: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """How points and score of a submission came to be, oldest first."""
    after = pages.decode(cursor, datetime)
    values = {"submission_id": submission_id}
    rows = await repository.page(unit, "history", after, limit + 1, **values)
    return pages.page(rows, limit)


def grades(unit: Unit) -> bool:
    """Whether the caller may grade what the unit is about, and so sees everything about it."""
    return allowed(unit.caller, "submission.grade", "Submission", unit.facts)


async def out(unit: Unit, assessment_id: object, now: datetime) -> bool:
    """Whether learners may see the results by now."""
    assessment = await service.get(unit, assessment_id)
    if assessment["release"] == "after_due" and assessment["released_at"] is None:
        longest = await repository.need(
            unit,
            "longest_extension",
            "extension",
            course_id=assessment["course_id"],
            assessment_id=assessment_id,
        )
        return released(assessment, timedelta(seconds=longest["seconds"]), now)
    return released(assessment, timedelta(0), now)


def released(assessment: Mapping[str, Any], longest: timedelta, now: datetime) -> bool:
    """By the setting; ``longest`` is the longest extension that anybody has."""
    if assessment["released_at"] is not None or assessment["release"] == "at_once":
        return True
    due_at = assessment["due_at"]
    return assessment["release"] == "after_due" and due_at is not None and now > due_at + longest
