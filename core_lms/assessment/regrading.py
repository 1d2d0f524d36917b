"""Grading again: a question was corrected, and every answer to it is judged anew."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.assessment import banks, grading
from core_lms.assessment.grading import Cause
from core_lms.assessment.kinds import Verdict
from core_lms.assessment.question_schemas import NewRegrade, Regrade
from core_lms.assessment.repository import SQL, AnswerToRegrade, LockedAttempt
from core_lms.assessment.scoring import points_of
from core_lms.idempotency import claim
from core_lms.sealing import texts
from core_lms.sealing.texts import ANSWER
from core_lms.unit import Unit


async def regrade(
    unit: Unit, question_id: UUID, new: NewRegrade, now: datetime
) -> tuple[Regrade, bool]:
    """What it came to and whether it is new. All answers in one transaction: nobody ever sees half
    of a class graded by the old key.

    An answer is graded by the version its learner saw, or the last one that corrects it. Points a
    person gave stay. What changes is emitted as ``assessment.question.graded`` and
    ``assessment.graded``, and recorded with who, when and why.
    """
    id_, repeated = await claim(unit, "regrade", new, question_id)
    if repeated:
        return await unit.need(Regrade, SQL["regrade"], f"regrade {id_}", id=id_), False
    question = await banks.lock_question(unit, question_id)
    cause = Cause("regrade", new.why, unit.caller.user_id, id_)
    facts = {"question_id": question_id, "version": question.version, "why": new.why}
    unit.conflicts(f"there is a regrade {id_}")
    await unit.execute(SQL["insert_regrade"], id=id_, asked_by=cause.by, at=now, **facts)
    attempts = await unit.values(SQL["lock_answers_to"], question_id=question_id)
    which = {"question_id": question_id, "kind": question.kind, "attempts": attempts}
    rows = await unit.all(AnswerToRegrade, SQL["answers_to"], **which)
    moved, judged = [], []
    for row in rows:
        key = texts.reading(row.user_id, row.wrapped_key)
        verdict = grading.judge(row.kind, row.body, ANSWER.open(key, asdict(row)))
        if verdict is None:
            continue
        points = points_of(verdict.share, row.max_points)
        judged.append((row, verdict))
        if (points, verdict.correct) != (row.points, row.correct):
            moved.append((row, verdict, points))
    await grading.write(unit, judged, now)
    changed = 0
    for row, verdict, points in moved:
        changed += await _follow(unit, row, verdict, points, now, cause)
    counts = {"looked_at": len(rows), "changed": changed}
    return await unit.need(Regrade, SQL["finish_regrade"], "regrade", id=id_, **counts), True


async def _follow(
    unit: Unit, row: AnswerToRegrade, verdict: Verdict, points: Decimal, now: datetime, cause: Cause
) -> bool:
    """Emit and record one answer's new points; whether its submission's score became another."""
    what = f"attempt {row.attempt_id}"
    attempt = await unit.need(LockedAttempt, SQL["lock_attempt"], what, id=row.attempt_id)
    before = (row.points, row.correct)
    grading.emit_graded(unit, attempt, row, verdict, points, now, before)
    await grading.record_change(unit, attempt, row.points, points, cause, row.question_id)
    if attempt.status != "graded":
        return False
    return await grading.total(unit, attempt, now, cause)


async def page(unit: Unit, question_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The regrades of a question, oldest first."""
    return await pages.read(unit, Regrade, SQL["regrades"], cursor, limit, question_id=question_id)
