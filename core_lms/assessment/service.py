"""Work that is set, handed in, graded as a whole, and commented on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.assessments import (
    AssessmentCreated,
    AssessmentSubmitted,
    AssessmentUpdated,
    FeedbackGiven,
)
from core_lms import pages
from core_lms.assessment import grading, resource
from core_lms.assessment.accommodations import terms_of
from core_lms.assessment.attempt_schemas import Attempt
from core_lms.assessment.grading import SOURCE, Cause
from core_lms.assessment.repository import SQL, AssessmentToTake, SealedFeedback
from core_lms.assessment.schemas import (
    MAY_BE_EMPTY,
    Assessment,
    AssessmentChange,
    Feedback,
    Grade,
    NewAssessment,
    NewFeedback,
    NewSubmission,
    Submission,
)
from core_lms.courses import service as courses
from core_lms.enrollments import repository as enrolled
from core_lms.enrollments import service as enrollments
from core_lms.enrollments.schemas import Enrollment
from core_lms.idempotency import Creation, begun, claim, creation
from core_lms.moments import moment_of_import
from core_lms.sealing import texts
from core_lms.sealing.texts import FEEDBACK
from core_lms.unit import Unit, found
from core_lms.units import HISTORY, Units
from core_lms.users import service as users
from gateway.errors import Conflict, Forbidden
from gateway.etags import Check
from gateway.pages import Window
from stack.roundtrip import Found, Statement


async def add(unit: Unit, course_id: UUID, new: NewAssessment) -> Assessment:
    """The assessment; emits ``assessment.created`` and ``course.updated``."""
    id_ = await claim(unit, "assessment", new, course_id)
    if unit.repeated:
        return await get(unit, id_)
    await courses.changeable(unit, course_id)
    values = new.model_dump()
    _consistent(values)
    unit.conflicts(f"there is an assessment {id_}")
    row = await _assessment(unit, "insert", id_, course_id=course_id, **values)
    unit.emit(AssessmentCreated(**facts(row)), source=SOURCE)
    await courses.structure_changed(unit, course_id)
    return row


async def get(unit: Unit, id_: object) -> Assessment:
    """Raises ``NotFound``."""
    return await _assessment(unit, "get", id_)


async def _assessment(unit: Unit, name: str, id_: object, /, **values: Any) -> Assessment:
    return await unit.need(Assessment, SQL[name], f"assessment {id_}", id=id_, **values)


async def page(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """The assessments of a course, oldest first; raises ``NotFound`` for an unknown course."""
    await courses.get(unit, course_id)
    return await pages.read(unit, Assessment, SQL["list"], window, course_id=course_id)


async def change(unit: Unit, id_: UUID, changes: AssessmentChange, check: Check) -> Assessment:
    """Emits ``assessment.updated``; no difference, no event. Open attempts keep their limit."""
    await courses.changeable(unit, (await get(unit, id_)).course_id)
    row = await _assessment(unit, "lock", id_)
    check(row)
    given = changes.model_dump(exclude_unset=True)
    before = row.model_dump(include=set(AssessmentChange.model_fields))
    new = before | {
        name: value for name, value in given.items() if value is not None or name in MAY_BE_EMPTY
    }
    _consistent(new)
    if all(_same(new[name], before[name]) for name in new):
        return row
    changed = await _assessment(unit, "change", id_, **new)
    unit.emit(AssessmentUpdated(**facts(changed)), source=SOURCE)
    await courses.structure_changed(unit, row.course_id)
    return changed


async def release(unit: Unit, id_: UUID, at: datetime) -> Assessment:
    """Let learners see the results; once is for good."""
    await _assessment(unit, "lock", id_)
    return await _assessment(unit, "release", id_, at=at)


def submitting(asker: Units | Unit, assessment_id: UUID, new: NewSubmission) -> Creation:
    """What ``submit`` has to ask first."""
    query = SQL["with_course"]
    return creation(asker, "submission", new, assessment_id, query=query, id=assessment_id)


async def submit(
    unit: Unit, assessment_id: UUID, new: NewSubmission, asked: Creation
) -> Submission:
    """Handed-in work; whoever tries again hands in another submission.

    The first one moves the enrollment on, up to completing the course. Raises ``Conflict`` for an
    assessment that asks questions: those are answered in an attempt.
    """
    id_ = asked.id
    row = await begun(unit, asked, ("submission.read", resource.Submission))
    if unit.repeated:
        return await submission(unit, id_)
    at = moment_of_import(unit, new.occurred_at)
    assessment = AssessmentToTake(**found(row, f"there is no assessment {assessment_id}"))
    course_id = assessment.course_id
    if assessment.course_status != "published":
        raise Conflict(f"course {course_id} is {assessment.course_status}, not published")
    if assessment.asks:
        raise Conflict(
            f"assessment {assessment_id} asks questions: begin with "
            f"POST /api/v1/assessments/{assessment_id}/attempts"
        )
    late = None
    if assessment.due_at is not None or assessment.closes_at is not None:
        holds = await terms_of(unit, assessment, new.user_id)
        late = holds.late(at)
        if holds.closes_at is not None and at > holds.closes_at:
            raise Conflict(f"assessment {assessment_id} closed at {holds.closes_at.isoformat()}")
    who = {"user_id": new.user_id, "course_id": course_id}
    work = {"id": id_, "assessment_id": assessment_id, "late": late, "attempt": None}
    unit.conflicts(f"there is a submission {id_}")
    enrollment, written, counted = await unit.ask(
        enrolled.locking(unit, **who),
        _submission(unit, at, **who, **work),
        enrolled.counting(unit, **who),
    )
    locked = enrollments.studied(
        Enrollment(**enrollment.row) if enrollment.row else None, new.user_id, course_id, at
    )
    made = _emitted(unit, written, assessment.kind, at)
    await enrollments.work_done(unit, locked, at, counted)
    return made


async def handed_in(
    unit: Unit, attempt: Attempt, kind: str, at: datetime, *, late: bool | None
) -> Submission:
    """Write the submission of an attempt, which has its id, and emit ``assessment.submitted``."""
    work = attempt.model_dump(include={"id", "assessment_id", "course_id", "user_id"})
    unit.conflicts(f"there is a submission {attempt.id}")
    [written] = await unit.ask(_submission(unit, at, **work, attempt=attempt.number, late=late))
    return _emitted(unit, written, kind, at)


def _submission(unit: Unit, at: datetime, **values: object) -> Statement:
    named = {"submitted_at": at, "institution_id": unit.institution_id}
    return SQL["submit"], values | named


def _emitted(unit: Unit, written: Found, kind: str, at: datetime) -> Submission:
    """The submission that was written, once its event is emitted."""
    row = Submission(**written.rows[0])
    event = AssessmentSubmitted(**grading.ids(row), kind=kind, attempt=row.attempt, late=row.late)
    unit.emit(event, source=SOURCE, at=at)
    return row


async def submission(unit: Unit, id_: object) -> Submission:
    """Raises ``NotFound``."""
    return await unit.need(Submission, SQL["submission"], f"submission {id_}", id=id_)


async def grade(unit: Unit, submission_id: UUID, grade: Grade) -> Submission:
    """Score a submission; the same score by the same hand again changes nothing."""
    row = await grading.lock_submission(unit, submission_id)
    if row.attempt is not None:
        raise Conflict(
            f"submission {submission_id} answers questions: grade those with "
            f"POST /api/v1/submissions/{submission_id}/questions/<question>/grade"
        )
    by = grade.graded_by
    if by is not None:
        _own_hand(unit, by, "graded_by")
        await users.staff(unit, by, "graded_by")
    if (row.score, row.graded_by and str(row.graded_by)) == (grade.score, by):
        return row
    at = moment_of_import(unit, grade.occurred_at)
    cause = Cause("manual" if by else "graded", by=by)
    return await grading.give(unit, row, Decimal(repr(grade.score)), at, cause)


def _own_hand(unit: Unit, user_id: str, what: str) -> None:
    """Raises ``Forbidden`` where a person says that somebody else did this."""
    caller = unit.caller
    if caller.kind == "person" and user_id != caller.user_id and not HISTORY.of(caller):
        raise Forbidden(f"{what}: name yourself; only imports of history name others")


async def give_feedback(unit: Unit, submission_id: UUID, new: NewFeedback) -> Feedback:
    """The comment; its text stays here."""
    id_ = await claim(unit, "feedback", new, submission_id)
    if unit.repeated:
        return opened(await unit.need(SealedFeedback, SQL["feedback"], f"feedback {id_}", id=id_))
    row = await grading.lock_submission(unit, submission_id)
    _own_hand(unit, new.given_by, "given_by")
    await users.active(unit, new.given_by, "given_by")
    sealed = FEEDBACK.seal(texts.writing(row.user_id, row.wrapped_key), new.text, id_)
    about = {"id": id_, "submission_id": submission_id, "given_by": new.given_by}
    unit.conflicts(f"there is feedback {id_}")
    created_at = await unit.value(SQL["give_feedback"], text_sealed=sealed, **about)
    unit.emit(FeedbackGiven(**grading.ids(row), given_by=new.given_by), source=SOURCE)
    about |= {"institution_id": unit.institution_id, "created_at": created_at}
    return Feedback.model_validate(about | {"text": new.text})


def opened(feedback: SealedFeedback) -> Feedback:
    """A comment with its text in the clear; None where the learner was erased."""
    key = texts.reading(feedback.user_id, feedback.wrapped_key)
    sealed = asdict(feedback)
    return Feedback(**sealed | {"text": FEEDBACK.open(key, sealed)})


def facts(row: Assessment) -> dict[str, Any]:
    """What events say of an assessment."""
    return {
        "assessment_id": str(row.id),
        "course_id": str(row.course_id),
        "kind": row.kind,
        "due_at": row.due_at,
        "weight": row.weight,
        "pass_score": row.pass_score,
    }


def _consistent(values: Mapping[str, Any]) -> None:
    names = ("opens_at", "due_at", "closes_at")
    dates = [(name, values[name]) for name in names if values[name] is not None]
    for (first, earlier), (then, later) in pairwise(dates):
        if later < earlier:
            raise Rejected(f"{then}: lies before {first}")


def _same(new: object, old: object) -> bool:
    """A number of a request is what the database kept of it, to the hundredth."""
    if isinstance(old, float) and isinstance(new, float):
        return round(new, 2) == old
    return new == old
