"""Work that is set, handed in, graded as a whole, and commented on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.errors import Rejected
from contracts.events.assessments import (
    AssessmentCreated,
    AssessmentSubmitted,
    AssessmentUpdated,
    FeedbackGiven,
)
from core_lms import pages
from core_lms.assessment import grading, repository, resource
from core_lms.assessment.schemas import (
    MAY_BE_EMPTY,
    AssessmentChange,
    Grade,
    NewAssessment,
    NewFeedback,
    NewSubmission,
)
from core_lms.assessment.source import SOURCE
from core_lms.assessment.terms import terms
from core_lms.courses import service as courses
from core_lms.enrollments import repository as enrolled
from core_lms.enrollments import service as enrollments
from core_lms.idempotency import Creation, begun, claim, creation
from core_lms.moments import moment_of_import
from core_lms.sealing import texts
from core_lms.sealing.texts import FEEDBACK
from core_lms.unit import Unit
from core_lms.units import Units
from core_lms.users import service as users
from gateway.errors import Conflict, NotFound
from gateway.etags import Check
from stack.roundtrip import Statement


async def add(unit: Unit, course_id: UUID, new: NewAssessment) -> tuple[DictRow, bool]:
    """The assessment and whether it is new; emits ``assessment.created`` and ``course.updated``."""
    id_, repeated = await claim(unit, "assessment", new, course_id)
    if repeated:
        return await get(unit, id_), False
    await courses.changeable(unit, course_id)
    values = new.model_dump()
    _consistent(values)
    try:
        row = await repository.need(
            unit, "insert", f"assessment {id_}", id=id_, course_id=course_id, **values
        )
    except UniqueViolation:
        raise Conflict(f"there is an assessment {id_}") from None
    unit.emit(AssessmentCreated(**facts(row)), source=SOURCE)
    await courses.structure_changed(unit, course_id)
    return row, True


async def get(unit: Unit, id_: object) -> DictRow:
    """Raises ``NotFound``."""
    return await repository.need(unit, "get", f"assessment {id_}", id=id_)


async def page(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The assessments of a course, oldest first; raises ``NotFound`` for an unknown course."""
    await courses.get(unit, course_id)
    after = pages.decode(cursor, datetime)
    rows = await repository.page(unit, "list", after, limit + 1, course_id=course_id)
    return pages.page(rows, limit)


async def change(unit: Unit, id_: UUID, changes: AssessmentChange, check: Check) -> DictRow:
    """Emits ``assessment.updated``; no difference, no event. Open attempts keep their limit."""
    await courses.changeable(unit, (await get(unit, id_))["course_id"])
    row = await repository.need(unit, "lock", f"assessment {id_}", id=id_)
    check(row)
    given = changes.model_dump(exclude_unset=True)
    new = {
        name: given[name] if given.get(name) is not None or empties(given, name) else row[name]
        for name in AssessmentChange.model_fields
    }
    _consistent(new)
    if all(_same(new[name], row[name]) for name in new):
        return row
    changed = await repository.need(unit, "change", f"assessment {id_}", id=id_, **new)
    unit.emit(AssessmentUpdated(**facts(changed)), source=SOURCE)
    await courses.structure_changed(unit, row["course_id"])
    return changed


def empties(given: Mapping[str, Any], name: str) -> bool:
    """Whether a change says null of something that may be null."""
    return name in given and name in MAY_BE_EMPTY


async def release(unit: Unit, id_: UUID, at: datetime) -> DictRow:
    """Let learners see the results; once is for good."""
    await repository.need(unit, "lock", f"assessment {id_}", id=id_)
    return await repository.need(unit, "release", f"assessment {id_}", id=id_, at=at)


def submitting(asker: Units | Unit, assessment_id: UUID, new: NewSubmission) -> Creation:
    """What ``submit`` has to ask first."""
    query = repository.statement("with_course")
    return creation(asker, "submission", new, assessment_id, query=query, id=assessment_id)


async def submit(
    unit: Unit, assessment_id: UUID, new: NewSubmission, asked: Creation
) -> tuple[DictRow, bool]:
    """Handed-in work and whether it is new; whoever tries again hands in another submission.

    The first one moves the enrollment on, up to completing the course. Raises ``Conflict`` for an
    assessment that asks questions: those are answered in an attempt.
    """
    id_ = asked.id
    repeated, assessment = await begun(unit, asked, ("submission.read", resource.Submission))
    if repeated:
        return await submission(unit, id_), False
    at = moment_of_import(unit, new.occurred_at)
    if assessment is None:
        raise NotFound(f"there is no assessment {assessment_id}")
    course_id = assessment["course_id"]
    if assessment["course_status"] != "published":
        raise Conflict(f"course {course_id} is {assessment['course_status']}, not published")
    if assessment["asks"]:
        raise Conflict(
            f"assessment {assessment_id} asks questions: begin with "
            f"POST /api/v1/assessments/{assessment_id}/attempts"
        )
    late = None
    if assessment["due_at"] is not None or assessment["closes_at"] is not None:
        granted = await repository.many(
            unit,
            "granted",
            course_id=course_id,
            assessment_id=assessment_id,
            user_id=new.user_id,
        )
        holds = terms(assessment, granted)
        late = holds.late(at)
        if holds.closes_at is not None and at > holds.closes_at:
            raise Conflict(f"assessment {assessment_id} closed at {holds.closes_at.isoformat()}")
    learner = unit, new.user_id, course_id
    try:
        enrollment, written, counted = await unit.ask(
            enrolled.locking(*learner),
            _submission(unit, id_, assessment_id, course_id, new.user_id, at, late=late),
            enrolled.counting(*learner),
        )
    except UniqueViolation:
        raise Conflict(f"there is a submission {id_}") from None
    locked = enrollments.studied(enrollment.row, new.user_id, course_id, at)
    row = written.rows[0]
    _emit_submitted(unit, row, assessment["kind"], at)
    await enrollments.work_done(unit, locked, at, counted.row)
    return row, True


async def handed_in(
    unit: Unit,
    id_: object,
    assessment_id: object,
    course_id: object,
    user_id: object,
    kind: str,
    at: datetime,
    *,
    attempt: int | None = None,
    late: bool | None = None,
) -> DictRow:
    """Write a submission and emit ``assessment.submitted``."""
    about = unit, id_, assessment_id, course_id, user_id, at
    try:
        [written] = await unit.ask(_submission(*about, attempt=attempt, late=late))
    except UniqueViolation:
        raise Conflict(f"there is a submission {id_}") from None
    row = written.rows[0]
    _emit_submitted(unit, row, kind, at)
    return row


def _submission(
    unit: Unit,
    id_: object,
    assessment_id: object,
    course_id: object,
    user_id: object,
    at: datetime,
    *,
    attempt: int | None = None,
    late: bool | None = None,
) -> Statement:
    return repository.statement("submit"), {
        "id": id_,
        "institution_id": unit.institution_id,
        "assessment_id": assessment_id,
        "course_id": course_id,
        "user_id": user_id,
        "submitted_at": at,
        "attempt": attempt,
        "late": late,
    }


def _emit_submitted(unit: Unit, row: DictRow, kind: str, at: datetime) -> None:
    event = AssessmentSubmitted(
        **grading.ids(row), kind=kind, attempt=row["attempt"], late=row["late"]
    )
    unit.emit(event, source=SOURCE, at=at)


async def submission(unit: Unit, id_: object) -> DictRow:
    """Raises ``NotFound``."""
    return await repository.need(unit, "submission", f"submission {id_}", id=id_)


async def grade(unit: Unit, submission_id: UUID, grade: Grade) -> DictRow:
    """Score a submission; the same score by the same hand again changes nothing."""
    row = await repository.need(
        unit, "lock_submission", f"submission {submission_id}", id=submission_id
    )
    if row["attempt"] is not None:
        raise Conflict(
            f"submission {submission_id} answers questions: grade those with "
            f"POST /api/v1/submissions/{submission_id}/questions/<question>/grade"
        )
    if grade.graded_by is not None:
        await users.staff(unit, grade.graded_by, "graded_by")
    score, by = row["score"], row["graded_by"]
    if score is not None and (float(score), by and str(by)) == (grade.score, grade.graded_by):
        return row
    return await grading.give(
        unit,
        row,
        Decimal(repr(grade.score)),
        moment_of_import(unit, grade.occurred_at),
        reason="manual" if grade.graded_by else "graded",
        by=grade.graded_by,
    )


async def give_feedback(unit: Unit, submission_id: UUID, new: NewFeedback) -> tuple[DictRow, bool]:
    """The comment and whether it is new; its text stays here."""
    id_, repeated = await claim(unit, "feedback", new, submission_id)
    if repeated:
        return opened(await repository.need(unit, "feedback", f"feedback {id_}", id=id_)), False
    row = await repository.need(
        unit, "lock_submission", f"submission {submission_id}", id=submission_id
    )
    await users.active(unit, new.given_by, "given_by")
    key = texts.writing(row["user_id"], row["wrapped_key"])
    try:
        feedback = await repository.need(
            unit,
            "give_feedback",
            f"feedback {id_}",
            id=id_,
            submission_id=submission_id,
            given_by=new.given_by,
            text_sealed=FEEDBACK.seal(key, new.text, id_),
        )
    except UniqueViolation:
        raise Conflict(f"there is feedback {id_}") from None
    unit.emit(FeedbackGiven(**grading.ids(row), given_by=new.given_by), source=SOURCE)
    return feedback | {"text": new.text}, True


def opened(feedback: DictRow) -> DictRow:
    """A comment with its text in the clear; None where the learner was erased."""
    key = texts.reading(feedback["user_id"], feedback["wrapped_key"])
    return feedback | {"text": FEEDBACK.open(key, feedback)}


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """What events say of an assessment."""
    return {
        "assessment_id": str(row["id"]),
        "course_id": str(row["course_id"]),
        "kind": row["kind"],
        "due_at": row["due_at"],
        "weight": float(row["weight"]),
        "pass_score": None if row["pass_score"] is None else float(row["pass_score"]),
    }


def _consistent(values: Mapping[str, Any]) -> None:
    names = ("opens_at", "due_at", "closes_at")
    dates = [(name, values[name]) for name in names if values[name] is not None]
    for (first, earlier), (then, later) in pairwise(dates):
        if later < earlier:
            raise Rejected(f"{then}: lies before {first}")


def _same(new: object, old: object) -> bool:
    """A number of a request is what the database kept of it."""
    if isinstance(old, Decimal) and isinstance(new, float):
        return round(new, 2) == float(old)
    return new == old
