"""Work that is set, handed in, graded and commented on."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.events.assessments import (
    AssessmentCreated,
    AssessmentGraded,
    AssessmentSubmitted,
    FeedbackGiven,
)
from core_lms import pages
from core_lms.assessment import repository
from core_lms.assessment.schemas import Grade, NewAssessment, NewFeedback, NewSubmission
from core_lms.courses import service as courses
from core_lms.enrollments import service as enrollments
from core_lms.errors import Conflict, NotFound
from core_lms.idempotency import claim
from core_lms.moments import moment
from core_lms.users import service as users
from core_lms.work import Unit

SOURCE = "assessment-service"


async def add(unit: Unit, course_id: UUID, new: NewAssessment) -> tuple[DictRow, bool]:
    """The assessment and whether it is new; emits ``assessment.created`` and ``course.updated``."""
    id_, repeated = await claim(unit, "assessment", new, course_id)
    if repeated:
        return _found(await repository.get(unit, id_), f"assessment {id_}"), False
    await courses.changeable(unit, course_id)
    try:
        row = await repository.insert(unit, id_, course_id, new)
    except UniqueViolation:
        raise Conflict(f"there is an assessment {id_}") from None
    row = _found(row, f"assessment {id_}")
    unit.emit(
        AssessmentCreated(
            assessment_id=id_,
            course_id=str(course_id),
            kind=row["kind"],
            due_at=row["due_at"],
            weight=float(row["weight"]),
        ),
        source=SOURCE,
    )
    await courses.structure_changed(unit, course_id)
    return row, True


async def page(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The assessments of a course, oldest first; raises ``NotFound`` for an unknown course."""
    await courses.get(unit, course_id)
    rows = await repository.page(unit, course_id, pages.decode(cursor, datetime), limit + 1)
    return pages.page(rows, limit)


async def submit(unit: Unit, assessment_id: UUID, new: NewSubmission) -> tuple[DictRow, bool]:
    """Handed-in work and whether it is new; whoever tries again hands in another submission.

    The first one moves the enrollment on, up to completing the course.
    """
    id_, repeated = await claim(unit, "submission", new, assessment_id)
    if repeated:
        return _found(await repository.submission(unit, id_), f"submission {id_}"), False
    at = moment(new.occurred_at)
    assessment = await repository.with_course(unit, assessment_id)
    assessment = _found(assessment, f"assessment {assessment_id}")
    course_id = assessment["course_id"]
    if assessment["course_status"] != "published":
        raise Conflict(f"course {course_id} is {assessment['course_status']}, not published")
    enrollment = await enrollments.studying(unit, new.user_id, course_id, at)
    try:
        row = await repository.submit(unit, id_, assessment_id, course_id, new.user_id, at)
    except UniqueViolation:
        raise Conflict(f"there is a submission {id_}") from None
    row = _found(row, f"submission {id_}")
    event = AssessmentSubmitted(**_ids(row), kind=assessment["kind"])
    unit.emit(event, source=SOURCE, at=at)
    await enrollments.work_done(unit, enrollment, at)
    return row, True


async def grade(unit: Unit, submission_id: UUID, grade: Grade) -> DictRow:
    """Score a submission; the same score by the same hand again changes nothing."""
    row = await repository.lock_submission(unit, submission_id)
    row = _found(row, f"submission {submission_id}")
    if grade.graded_by is not None:
        await users.staff(unit, grade.graded_by, "graded_by")
    score = row["score"]
    by = row["graded_by"]
    if score is not None and (float(score), by and str(by)) == (grade.score, grade.graded_by):
        return row
    at = moment(grade.occurred_at)
    graded = _found(await repository.grade(unit, submission_id, grade, at), "submission")
    event = AssessmentGraded(**_ids(row), kind=row["kind"], score=float(graded["score"]))
    unit.emit(event, source=SOURCE, at=at)
    return graded


async def give_feedback(unit: Unit, submission_id: UUID, new: NewFeedback) -> tuple[DictRow, bool]:
    """The comment and whether it is new; its text stays here."""
    id_, repeated = await claim(unit, "feedback", new, submission_id)
    if repeated:
        return _found(await repository.feedback(unit, id_), f"feedback {id_}"), False
    row = await repository.lock_submission(unit, submission_id)
    row = _found(row, f"submission {submission_id}")
    await users.active(unit, new.given_by, "given_by")
    try:
        feedback = await repository.give_feedback(unit, id_, submission_id, new)
    except UniqueViolation:
        raise Conflict(f"there is feedback {id_}") from None
    unit.emit(FeedbackGiven(**_ids(row), given_by=new.given_by), source=SOURCE)
    return _found(feedback, f"feedback {id_}"), True


def _ids(row: DictRow) -> dict[str, str]:
    return {
        "submission_id": str(row["id"]),
        "assessment_id": str(row["assessment_id"]),
        "user_id": str(row["user_id"]),
        "course_id": str(row["course_id"]),
    }


def _found(row: DictRow | None, what: str) -> DictRow:
    if row is None:
        raise NotFound(f"there is no {what}")
    return row
