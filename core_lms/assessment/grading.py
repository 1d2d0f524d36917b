"""Grading: what answers are worth, by key or by a person, and the score that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from contracts.errors import Rejected
from contracts.events.assessments import AssessmentGraded, FeedbackGiven, QuestionGraded
from contracts.ids import new_id
from core_lms.assessment.attempt_schemas import QuestionGrade
from core_lms.assessment.kinds import Verdict, kind_of, read_answer, read_question
from core_lms.assessment.repository import (
    SQL,
    AnswerToJudge,
    AskedQuestion,
    GradedQuestion,
    Handed,
    LockedAttempt,
    LockedSubmission,
    Tally,
)
from core_lms.assessment.schemas import Submission
from core_lms.assessment.scoring import counted, passed, points_of, score_of
from core_lms.enrollments import service as enrollments
from core_lms.sealing import texts
from core_lms.sealing.texts import ANSWER, REMARK, WHY
from core_lms.unit import Unit
from gateway.errors import Conflict, NotFound

SOURCE = "assessment-service"
GRADER = "grading-service"
"""Reads ``assessment.submitted`` and emits what the answers were worth."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why points or a score changed: what made them change, in whose words, by whom."""

    reason: Literal["graded", "manual", "regrade"]
    why: str | None = None
    by: str | None = None
    regrade_id: str | None = None


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
    attempt = await unit.one(LockedAttempt, SQL["lock_attempt"], id=submission_id)
    if attempt is None or attempt.status != "submitted" or attempt.forgotten:
        return
    judged: list[tuple[AnswerToJudge, Verdict]] = []
    waiting = False
    key = texts.reading(attempt.user_id, attempt.wrapped_key)
    for row in await unit.all(AnswerToJudge, SQL["to_judge"], attempt_id=submission_id):
        verdict = judge(row.kind, row.body, ANSWER.open(key, asdict(row)))
        if verdict is None:
            waiting = True
        else:
            judged.append((row, verdict))
    await write(unit, judged, at)
    for row, verdict in judged:
        emit_graded(unit, attempt, row, verdict, points_of(verdict.share, row.max_points), at)
    status = "waiting" if waiting else "graded"
    await unit.execute(SQL["set_status"], id=submission_id, status=status)
    if not waiting:
        await total(unit, attempt, at, Cause("graded"))


async def by_hand(
    unit: Unit, submission_id: UUID, question_id: UUID, grade: QuestionGrade, at: datetime
) -> None:
    """A person's points for one question; they replace what a key decided, and no regrade does
    away with them. The last question that waited gives the work its score.
    """
    attempt = await unit.one(LockedAttempt, SQL["lock_attempt"], id=submission_id)
    if attempt is None or attempt.status == "open" or attempt.forgotten:
        raise Conflict(f"submission {submission_id} answers no questions")
    if attempt.status == "submitted":
        raise Conflict("what a key decides is being graded at this moment: try again")
    which = {"attempt_id": submission_id, "question_id": question_id}
    row = await unit.one(AskedQuestion, SQL["asked_one"], **which)
    if row is None:
        raise NotFound(f"there is no question {question_id} in submission {submission_id}")
    points, cause = _points(row, grade), Cause("manual", grade.why, unit.caller.user_id)
    correct = None if kind_of(row.kind).by_person else points == row.max_points
    key = texts.writing(attempt.user_id, attempt.wrapped_key)
    await unit.execute(
        SQL["judge_one"],
        points=points,
        correct=correct,
        graded_by=cause.by,
        at=at,
        feedback_sealed=REMARK.seal(key, grade.feedback, submission_id, question_id),
        criteria=None if grade.criteria is None else Jsonb(grade.criteria),
        **which,
    )
    if row.points != points or row.correct != correct:
        before = (row.points, row.correct)
        verdict = Verdict(0.0, correct, row.response)
        emit_graded(unit, attempt, row, verdict, points, at, before)
        await record_change(unit, attempt, row.points, points, cause, question_id)
    if grade.feedback is not None and cause.by is not None:
        unit.emit(FeedbackGiven(**ids(attempt), given_by=cause.by), source=GRADER, at=at)
    tally = await unit.all(Tally, SQL["tally"], attempt_id=submission_id)
    if all(each.points is not None for each in tally):
        await unit.execute(SQL["set_status"], id=submission_id, status="graded")
        await total(unit, attempt, at, cause)


def _points(row: AskedQuestion, grade: QuestionGrade) -> Decimal:
    most = row.max_points
    if grade.points is not None:
        points = Decimal(repr(grade.points)).quantize(Decimal("0.01"))
        if points > most:
            raise Rejected(f"points: the question has {most} points")
        return points
    rubric = {each["id"]: each["points"] for each in row.body.get("rubric", [])}
    given = grade.criteria or {}
    if not rubric or rubric.keys() != given.keys():
        wanted = ", ".join(sorted(rubric)) or "none: give points"
        raise Rejected(f"criteria: the rubric has {wanted}")
    for name, points_given in given.items():
        if points_given > rubric[name]:
            raise Rejected(f"criteria.{name}: has {rubric[name]} points")
    return points_of(sum(given.values()) / sum(rubric.values()), most)


async def write(unit: Unit, judged: Sequence[tuple[AnswerToJudge, Verdict]], at: datetime) -> None:
    """Store verdicts of keys."""
    if judged:
        await unit.execute(
            SQL["judge"],
            attempts=[row.attempt_id for row, _ in judged],
            questions=[row.question_id for row, _ in judged],
            points=[points_of(verdict.share, row.max_points) for row, verdict in judged],
            corrects=[verdict.correct for _, verdict in judged],
            responses=[verdict.response for _, verdict in judged],
            versions=[row.judging_version for row, _ in judged],
            at=at,
        )


def emit_graded(
    unit: Unit,
    attempt: LockedAttempt,
    row: GradedQuestion,
    verdict: Verdict,
    points: Decimal,
    at: datetime,
    before: tuple[Decimal | None, bool | None] = (None, None),
) -> None:
    """Emit ``assessment.question.graded``; ``before`` are points and correctness they replace."""
    event = QuestionGraded(
        **ids(attempt),
        question_id=str(row.question_id),
        kind=row.kind,
        attempt=attempt.number,
        response=verdict.response,
        correct=verdict.correct,
        points=float(points),
        previous_points=None if before[0] is None else float(before[0]),
        previous_correct=before[1],
        max_points=float(row.max_points),
        seconds=None if row.seconds is None else float(row.seconds),
    )
    unit.emit(event, source=GRADER, at=at)


async def lock_submission(unit: Unit, id_: object) -> LockedSubmission:
    """Raises ``NotFound``."""
    return await unit.need(LockedSubmission, SQL["lock_submission"], f"submission {id_}", id=id_)


async def total(unit: Unit, attempt: LockedAttempt, at: datetime, cause: Cause) -> bool:
    """The score of an attempt whose questions all have points; whether it became another."""
    tally = await unit.all(Tally, SQL["tally"], attempt_id=attempt.id)
    row = await lock_submission(unit, attempt.id)
    penalty = attempt.late_penalty if row.late else Decimal(0)
    score = score_of(((each.points or Decimal(0), each.max_points) for each in tally), penalty)
    if row.score == float(score) and row.passed == passed(score, row.pass_score):
        return False
    await give(unit, row, score, at, cause)
    return True


async def give(
    unit: Unit, row: LockedSubmission, score: Decimal, at: datetime, cause: Cause
) -> Submission:
    """Give the locked submission a score, record the one before, and let follow what follows.

    Emits ``assessment.graded``; where the work has to be passed, the enrollment is counted anew.
    """
    result = {"score": score, "passed": passed(score, row.pass_score)}
    when = {"graded_at": at, "graded_by": cause.by}
    graded = await unit.need(Submission, SQL["grade"], "submission", id=row.id, **result, **when)
    await record_change(unit, row, row.score, graded.score or 0.0, cause)
    whose = {"assessment_id": row.assessment_id, "user_id": row.user_id}
    scores = await unit.values(SQL["scores_of_submissions"], **whose)
    counts = counted(row.score_rule, scores)
    result = {"score": counts, "passed": passed(counts, row.pass_score)}
    await unit.execute(SQL["set_score"], graded=len(scores), at=at, **whose, **result)
    event = AssessmentGraded(
        **ids(row),
        kind=row.kind,
        score=graded.score or 0.0,
        passed=graded.passed,
        previous_score=row.score,
        previous_passed=row.passed,
        attempt=row.attempt,
    )
    unit.emit(event, source=GRADER if row.attempt else SOURCE, at=at)
    if row.pass_score is not None:
        await enrollments.recount(unit, str(row.user_id), row.course_id, at)
    return graded


async def record_change(
    unit: Unit,
    about: LockedAttempt | LockedSubmission,
    before: Decimal | float | None,
    after: Decimal | float,
    cause: Cause,
    question_id: object = None,
) -> None:
    """Add to the history of a grade; the words of it are sealed with the learner's key."""
    id_, sealed = new_id(), None
    if cause.why is not None:
        sealed = WHY.seal(texts.writing(about.user_id, about.wrapped_key), cause.why, id_)
    await unit.execute(
        SQL["record_change"],
        id=id_,
        submission_id=about.id,
        question_id=question_id,
        before=before,
        after=after,
        reason=cause.reason,
        why_sealed=sealed,
        regrade_id=cause.regrade_id,
        changed_by=cause.by,
    )


def ids(row: Handed) -> dict[str, Any]:
    """What events say of a submission or attempt."""
    return {
        "submission_id": str(row.id),
        "assessment_id": str(row.assessment_id),
        "user_id": str(row.user_id),
        "course_id": str(row.course_id),
    }
