"""Grading: what answers are worth, by key or by a person, and the score that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from contracts.errors import Rejected
from contracts.events.assessments import AssessmentGraded, FeedbackGiven, QuestionGraded
from contracts.ids import new_id
from core_lms.assessment import repository
from core_lms.assessment.attempt_schemas import QuestionGrade
from core_lms.assessment.kinds import Verdict, kind_of, read_answer, read_question
from core_lms.assessment.scoring import counted, passed, points_of, score_of
from core_lms.assessment.source import GRADER
from core_lms.enrollments import service as enrollments
from core_lms.sealing import texts
from core_lms.sealing.texts import ANSWER, REMARK
from core_lms.unit import Unit
from gateway.errors import Conflict, NotFound

Reason = Literal["graded", "manual", "regrade"]


def judge(
    kind_name: str, body: Mapping[str, Any], answer: Mapping[str, Any] | None
) -> Verdict | None:
    """What a stored answer is worth by a stored question; None: a person decides."""
    kind = kind_of(kind_name)
    if answer is None:
        return Verdict(0.0, None if kind.by_person else False, None)
    return kind.grade(read_question(kind, body), read_answer(kind, answer))


async def automatic(unit: Unit, submission_id: str, at: datetime) -> None:
    """Grade what a key decides of an attempt that was handed in; the rest waits for a person.

    Does nothing to an attempt that was graded already, so that a second event is harmless.
    """
    attempt = await repository.one(unit, "lock_attempt", id=submission_id)
    if attempt is None or attempt["status"] != "submitted" or attempt["forgotten"]:
        return
    judged: list[tuple[DictRow, Verdict]] = []
    waiting = False
    key = texts.reading(attempt["user_id"], attempt["wrapped_key"])
    for row in await repository.many(unit, "to_judge", attempt_id=submission_id):
        verdict = judge(row["kind"], row["body"], ANSWER.open(key, row))
        if verdict is None:
            waiting = True
        else:
            judged.append((row, verdict))
    await write(unit, [(submission_id, row, verdict) for row, verdict in judged], at)
    for row, verdict in judged:
        emit_graded(unit, attempt, row, verdict, points_of(verdict.share, row["max_points"]), at)
    status = "waiting" if waiting else "graded"
    await repository.run(unit, "set_status", id=submission_id, status=status)
    if not waiting:
        await total(unit, attempt, at, reason="graded")


async def by_hand(
    unit: Unit, submission_id: UUID, question_id: UUID, grade: QuestionGrade, at: datetime
) -> None:
    """A person's points for one question; they replace what a key decided, and no regrade does
    away with them. The last question that waited gives the work its score.
    """
    attempt = await repository.one(unit, "lock_attempt", id=submission_id)
    if attempt is None or attempt["status"] == "open" or attempt["forgotten"]:
        raise Conflict(f"submission {submission_id} answers no questions")
    if attempt["status"] == "submitted":
        raise Conflict("what a key decides is being graded at this moment: try again")
    row = await repository.one(unit, "asked_one", attempt_id=submission_id, question_id=question_id)
    if row is None:
        raise NotFound(f"there is no question {question_id} in submission {submission_id}")
    points = _points(row, grade)
    by = unit.caller.user_id
    correct = None if kind_of(row["kind"]).by_person else points == row["max_points"]
    values = {"attempt_id": submission_id, "question_id": question_id, "points": points}
    values |= {"correct": correct, "graded_by": by, "at": at}
    key = texts.writing(attempt["user_id"], attempt["wrapped_key"])
    values["feedback_sealed"] = REMARK.seal(key, grade.feedback, submission_id, question_id)
    values["criteria"] = Jsonb(grade.criteria) if grade.criteria is not None else None
    await repository.run(unit, "judge_one", **values)
    if row["points"] != points or row["correct"] != correct:
        verdict = Verdict(0.0, correct, row["response"])
        emit_graded(unit, attempt, row, verdict, points, at)
        await record_change(
            unit, submission_id, row["points"], points, "manual", question_id, grade.why, by=by
        )
    if grade.feedback is not None and by is not None:
        unit.emit(FeedbackGiven(**ids(attempt), given_by=by), source=GRADER, at=at)
    tally = await repository.many(unit, "tally", attempt_id=submission_id)
    if all(each["points"] is not None for each in tally):
        await repository.run(unit, "set_status", id=submission_id, status="graded")
        await total(unit, attempt, at, reason="manual", why=grade.why, by=by)


def _points(row: DictRow, grade: QuestionGrade) -> Decimal:
    most: Decimal = row["max_points"]
    if grade.points is not None:
        points = Decimal(repr(grade.points)).quantize(Decimal("0.01"))
        if points > most:
            raise Rejected(f"points: the question has {most} points")
        return points
    rubric = {each["id"]: each["points"] for each in row["body"].get("rubric", [])}
    given = grade.criteria or {}
    if not rubric or rubric.keys() != given.keys():
        wanted = ", ".join(sorted(rubric)) or "none: give points"
        raise Rejected(f"criteria: the rubric has {wanted}")
    for name, points_given in given.items():
        if points_given > rubric[name]:
            raise Rejected(f"criteria.{name}: has {rubric[name]} points")
    return points_of(sum(given.values()) / sum(rubric.values()), most)


async def write(
    unit: Unit, judged: Sequence[tuple[object, DictRow, Verdict]], at: datetime
) -> None:
    """Store verdicts of keys: ``(attempt, question's row, verdict)``."""
    if not judged:
        return
    await repository.run(
        unit,
        "judge",
        attempts=[str(attempt) for attempt, _, _ in judged],
        questions=[str(row["question_id"]) for _, row, _ in judged],
        points=[points_of(verdict.share, row["max_points"]) for _, row, verdict in judged],
        corrects=[verdict.correct for _, _, verdict in judged],
        responses=[verdict.response for _, _, verdict in judged],
        versions=[row["judging_version"] for _, row, _ in judged],
        at=at,
    )


def emit_graded(
    unit: Unit,
    attempt: Mapping[str, Any],
    row: Mapping[str, Any],
    verdict: Verdict,
    points: Decimal,
    at: datetime,
) -> None:
    """Emit ``assessment.question.graded``."""
    event = QuestionGraded(
        **ids(attempt),
        question_id=str(row["question_id"]),
        kind=row["kind"],
        attempt=attempt["number"],
        response=verdict.response,
        correct=verdict.correct,
        points=float(points),
        max_points=float(row["max_points"]),
        seconds=None if row["seconds"] is None else float(row["seconds"]),
    )
    unit.emit(event, source=GRADER, at=at)


async def total(
    unit: Unit,
    attempt: Mapping[str, Any],
    at: datetime,
    *,
    reason: Reason,
    why: str | None = None,
    by: str | None = None,
    regrade_id: str | None = None,
) -> bool:
    """The score of an attempt whose questions all have points; whether it became another."""
    tally = await repository.many(unit, "tally", attempt_id=attempt["id"])
    row = await repository.need(
        unit, "lock_submission", f"submission {attempt['id']}", id=attempt["id"]
    )
    penalty = attempt["late_penalty"] if row["late"] else Decimal(0)
    score = score_of(((each["points"], each["max_points"]) for each in tally), penalty)
    if row["score"] == score and row["passed"] == passed(score, row["pass_score"]):
        return False
    await give(unit, row, score, at, reason=reason, why=why, by=by, regrade_id=regrade_id)
    return True


async def give(
    unit: Unit,
    row: Mapping[str, Any],
    score: Decimal,
    at: datetime,
    *,
    reason: Reason,
    why: str | None = None,
    by: str | None = None,
    regrade_id: str | None = None,
) -> DictRow:
    """Give the locked submission a score, record the one before, and let follow what follows.

    Emits ``assessment.graded``; where the work has to be passed, the enrollment is counted anew.
    """
    pass_score = row["pass_score"]
    graded = await repository.need(
        unit,
        "grade",
        f"submission {row['id']}",
        id=row["id"],
        score=score,
        passed=passed(score, pass_score),
        graded_at=at,
        graded_by=by,
    )
    await record_change(
        unit, row["id"], row["score"], graded["score"], reason, None, why, by, regrade_id
    )
    whose = {"assessment_id": row["assessment_id"], "user_id": row["user_id"]}
    scores = await repository.many(unit, "scores_of_submissions", **whose)
    counts = counted(row["score_rule"], [each["score"] for each in scores])
    await repository.run(
        unit,
        "set_score",
        **whose,
        score=counts,
        passed=passed(counts, pass_score),
        graded=len(scores),
        at=at,
    )
    event = AssessmentGraded(
        **ids(row),
        kind=row["kind"],
        score=float(graded["score"]),
        passed=graded["passed"],
        attempt=row["attempt"],
    )
    unit.emit(event, source=GRADER if row["attempt"] else "assessment-service", at=at)
    if pass_score is not None:
        await enrollments.recount(unit, str(row["user_id"]), row["course_id"], at)
    return graded


async def record_change(
    unit: Unit,
    submission_id: object,
    before: Decimal | None,
    after: Decimal,
    reason: Reason,
    question_id: object = None,
    why: str | None = None,
    by: str | None = None,
    regrade_id: str | None = None,
) -> None:
    """Add to the history of a grade."""
    values: dict[str, Any] = {"submission_id": submission_id, "question_id": question_id}
    values |= {"before": before, "after": after, "reason": reason, "why": why}
    values |= {"regrade_id": regrade_id, "changed_by": by}
    await repository.run(unit, "record_change", id=new_id(), **values)


def ids(row: Mapping[str, Any]) -> dict[str, Any]:
    """What events say of a submission or attempt."""
    return {
        "submission_id": str(row["id"]),
        "assessment_id": str(row["assessment_id"]),
        "user_id": str(row["user_id"]),
        "course_id": str(row["course_id"]),
    }
