"""A learner answers an assessment's questions: begin, save, hand in, all by the server's clock."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from core_lms import pages
from core_lms.assessment import resource, service, slots
from core_lms.assessment.accommodations import terms_of
from core_lms.assessment.attempt_schemas import Attempt, NewAnswer, NewAttempt
from core_lms.assessment.kinds import kind_of, read_answer, read_question
from core_lms.assessment.repository import (
    SQL,
    AskedQuestion,
    AssessmentToTake,
    LockedAttempt,
    SealedAttempt,
    StoredAnswer,
    StoredAttempt,
)
from core_lms.assessment.schemas import Submission
from core_lms.enrollments import service as enrollments
from core_lms.idempotency import claim
from core_lms.sealing import texts
from core_lms.sealing.texts import ANSWER
from core_lms.unit import Unit
from gateway.errors import Conflict
from gateway.pages import Window


async def start(unit: Unit, assessment_id: UUID, new: NewAttempt, now: datetime) -> dict[str, Any]:
    """The attempt with its questions; an open one is gone on with.

    Raises ``Conflict`` where the assessment is not open or the learner's attempts are used up.
    """
    user_id = learner(unit, new)
    id_ = await claim(unit, "attempt", new, assessment_id, shown=("attempt.read", resource.Attempt))
    if unit.repeated and await unit.one(SealedAttempt, SQL["attempt"], id=id_) is not None:
        return await shown(unit, id_, now)
    what = f"assessment {assessment_id}"
    assessment = await unit.need(AssessmentToTake, SQL["with_course"], what, id=assessment_id)
    # Before the enrollment, as everybody locks them.
    whose: dict[str, Any] = {"assessment_id": assessment_id, "user_id": user_id}
    unfinished = await unit.one(StoredAttempt, SQL["lock_open_attempt"], **whose)
    unit.repeated = unfinished is not None and not over(unfinished, now)
    if unfinished is not None and unit.repeated:
        return await shown(unit, unfinished.id, now)
    course_id = assessment.course_id
    if assessment.course_status != "published":
        raise Conflict(f"course {course_id} is {assessment.course_status}, not published")
    await enrollments.studying(unit, user_id, course_id, now)
    if unfinished is not None:
        await close(unit, unfinished.id, _end(unfinished))
    holds = await terms_of(unit, assessment, user_id)
    if holds.opens_at is not None and now < holds.opens_at:
        raise Conflict(f"assessment {assessment_id} opens at {holds.opens_at.isoformat()}")
    if holds.closes_at is not None and now >= holds.closes_at:
        raise Conflict(f"assessment {assessment_id} closed at {holds.closes_at.isoformat()}")
    number = await unit.value(SQL["attempts_made"], **whose) + 1
    if holds.max_attempts is not None and number > holds.max_attempts:
        raise Conflict(f"all {holds.max_attempts} attempts at {assessment_id} are used up")
    seed = secrets.token_hex(16)
    asked = await slots.chosen(unit, assessment_id, seed, shuffled=assessment.shuffle_questions)
    unit.conflicts("another attempt was begun at the same moment: go on with that")
    await unit.execute(
        SQL["insert_attempt"],
        id=id_,
        course_id=course_id,
        number=number,
        seed=seed,
        grace_s=assessment.grace_s,
        started_at=now,
        expires_at=holds.expires_at(now),
        **whose,
    )
    await unit.execute(
        SQL["ask"],
        attempt_id=id_,
        ids=[row.id for row in asked],
        versions=[row.version for row in asked],
        points=[row.points for row in asked],
    )
    return await shown(unit, id_, now)


def learner(unit: Unit, new: NewAttempt) -> str:
    """Whose attempt is meant; raises ``Rejected`` where that is nobody."""
    user_id = new.user_id or unit.caller.user_id
    if user_id is None:
        raise Rejected("user_id: say whose attempt it is, you are not a person")
    return user_id


def over(attempt: StoredAttempt, now: datetime) -> bool:
    """Whether time and grace have run out."""
    return attempt.expires_at is not None and now > _end(attempt)


def _end(attempt: StoredAttempt) -> datetime:
    assert attempt.expires_at is not None, "only what can run out has run out"
    return attempt.expires_at + timedelta(seconds=attempt.grace_s)


async def shown(unit: Unit, id_: object, now: datetime) -> dict[str, Any]:
    """The attempt with its questions as the learner sees them, without their keys."""
    attempt = await unit.need(SealedAttempt, SQL["attempt"], f"attempt {id_}", id=id_)
    assessment = await service.get(unit, attempt.assessment_id)
    seed = attempt.seed if assessment.shuffle_choices else None
    rows = await asked(unit, attempt)
    questions = [{**row, "points": row["max_points"], "shown": show(row, seed)} for row in rows]
    return {**attempt.model_dump(), "now": now, "questions": questions}


async def asked(unit: Unit, attempt: SealedAttempt) -> list[dict[str, Any]]:
    """The questions of an attempt, with what was answered and said of it in the clear."""
    key = texts.reading(attempt.user_id, attempt.wrapped_key)
    rows = await unit.all(AskedQuestion, SQL["asked"], attempt_id=attempt.id)
    return [texts.opened("attempt_questions", key, asdict(row)) for row in rows]


def show(row: dict[str, Any], seed: str | None) -> dict[str, Any]:
    """A question as its learner sees it, its choices in the attempt's own order."""
    kind = kind_of(row["kind"])
    return kind.show(
        read_question(kind, row["body"]), seed and f"choices/{seed}/{row['question_id']}"
    )


async def page(
    unit: Unit, assessment_id: UUID, user_id: UUID | None, window: Window
) -> dict[str, Any]:
    """Attempts at an assessment, oldest first; of one learner or all."""
    whose: dict[str, Any] = {"assessment_id": assessment_id, "user_id": user_id}
    return await pages.read(unit, Attempt, SQL["attempts"], window, first="started_at", **whose)


async def save(unit: Unit, id_: UUID, new: NewAnswer, now: datetime) -> dict[str, Any]:
    """Keep an answer; returns what is kept now. Nothing is graded before the attempt is handed in.

    Raises ``Conflict`` where the attempt is handed in, or its time is over and answers are not let
    in afterwards.
    """
    attempt = await _locked(unit, id_)
    if attempt.status != "open":
        raise Conflict(f"attempt {id_} is handed in")
    late = over(attempt, now)
    if late and attempt.after_limit == "refuse" and attempt.expires_at is not None:
        raise Conflict(
            f"the time of attempt {id_} was over at {attempt.expires_at.isoformat()}: "
            "hand in what is saved"
        )
    where = {"attempt_id": id_, "question_id": new.question_id}
    what = f"question {new.question_id} in attempt {id_}"
    row = await unit.need(AskedQuestion, SQL["asked_one"], what, **where)
    answer = None
    if new.answer is not None:
        answer = read_answer(kind_of(row.kind), new.answer).model_dump(mode="json")
    key = texts.writing(attempt.user_id, attempt.wrapped_key)
    sealed = ANSWER.seal(key, answer, id_, new.question_id)
    values = {"answer_sealed": sealed, "revision": new.revision, "seconds": new.seconds, "at": now}
    kept = await unit.one(StoredAnswer, SQL["save_answer"], **where, **values)
    if kept is not None and late and not attempt.over_time:
        await unit.execute(SQL["over_time"], id=id_)
    over_time = attempt.over_time or (late and kept is not None)
    saved = asdict(kept or row)
    return {**saved, "answer": ANSWER.open(key, saved), "over_time": over_time}


async def submit(unit: Unit, id_: UUID, now: datetime) -> Submission:
    """The submission: handing in again changes nothing.

    Emits ``assessment.submitted``, which the grading service takes up.
    """
    attempt = await _locked(unit, id_)
    if attempt.status != "open":
        unit.repeated = True
        return await service.submission(unit, id_)
    # Whoever presses the button late hands in what was saved in time, at the time it ended.
    in_time = not over(attempt, now) or attempt.over_time
    return await close(unit, id_, now if in_time else _end(attempt))


async def close_if_over(unit: Unit, id_: UUID, now: datetime) -> bool:
    """Hand in an attempt whose time has run out; whether it still was open."""
    attempt = await _locked(unit, id_)
    if attempt.status != "open" or attempt.forgotten or not over(attempt, now):
        return False
    await close(unit, id_, _end(attempt))
    return True


async def close(unit: Unit, id_: object, at: datetime) -> Submission:
    """Hand in the locked open attempt as of ``at``."""
    attempt = await unit.need(Attempt, SQL["hand_in"], f"attempt {id_}", id=id_, at=at)
    assessment = await service.get(unit, attempt.assessment_id)
    late = (await terms_of(unit, assessment, attempt.user_id)).late(at)
    row = await service.handed_in(unit, attempt, assessment.kind, at, late=late)
    await enrollments.recount(unit, str(attempt.user_id), attempt.course_id, at)
    return row


async def _locked(unit: Unit, id_: UUID) -> LockedAttempt:
    return await unit.need(LockedAttempt, SQL["lock_attempt"], f"attempt {id_}", id=id_)
