"""Grading again: a question was corrected, and every answer to it is judged anew."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from core_lms import pages
from core_lms.assessment import grading, repository
from core_lms.assessment.kinds import Verdict
from core_lms.assessment.question_schemas import NewRegrade
from core_lms.assessment.scoring import points_of
from core_lms.idempotency import claim
from core_lms.sealing import texts
from core_lms.sealing.texts import ANSWER
from core_lms.unit import Unit
from gateway.errors import Conflict


async def regrade(
    unit: Unit, question_id: UUID, new: NewRegrade, now: datetime
) -> tuple[DictRow, bool]:
    """What it came to and whether it is new. All answers in one transaction: nobody ever sees half
    of a class graded by the old key.

    An answer is graded by the version its learner saw, or the last one that corrects it. Points a
    person gave stay. What changes is emitted as ``assessment.question.graded`` and
    ``assessment.graded``, and recorded with who, when and why.
    """
    id_, repeated = await claim(unit, "regrade", new, question_id)
    if repeated:
        return await repository.need(unit, "regrade", f"regrade {id_}", id=id_), False
    # The same lock as a change of the question takes: the key stands still meanwhile.
    question = await repository.need(
        unit, "lock_question", f"question {question_id}", id=question_id
    )
    by = unit.caller.user_id
    facts = {"question_id": question_id, "version": question["version"], "why": new.why}
    try:
        await repository.run(unit, "insert_regrade", id=id_, asked_by=by, at=now, **facts)
    except UniqueViolation:
        raise Conflict(f"there is a regrade {id_}") from None
    locked = await repository.many(unit, "lock_answers_to", question_id=question_id)
    attempts = [str(row["id"]) for row in locked]
    rows = await repository.many(unit, "answers_to", question_id=question_id, attempts=attempts)
    moved, judged = [], []
    for row in rows:
        row["kind"] = question["kind"]
        key = texts.reading(row["user_id"], row["wrapped_key"])
        verdict = grading.judge(question["kind"], row["body"], ANSWER.open(key, row))
        if verdict is None:
            continue
        points = points_of(verdict.share, row["max_points"])
        judged.append((row["attempt_id"], row, verdict))
        if (points, verdict.correct) != (row["points"], row["correct"]):
            moved.append((row, verdict, points))
    await grading.write(unit, judged, now)
    changed = 0
    for row, verdict, points in moved:
        changed += await _follow(unit, row, verdict, points, now, new.why, by, id_)
    values = {"looked_at": len(rows), "changed": changed}
    return await repository.need(unit, "finish_regrade", "regrade", id=id_, **values), True


async def _follow(
    unit: Unit,
    row: DictRow,
    verdict: Verdict,
    points: Decimal,
    now: datetime,
    why: str,
    by: str | None,
    regrade_id: str,
) -> bool:
    """Emit and record one answer's new points; whether its submission's score became another."""
    attempt = await repository.need(
        unit, "lock_attempt", f"attempt {row['attempt_id']}", id=row["attempt_id"]
    )
    grading.emit_graded(unit, attempt, row, verdict, points, now)
    await grading.record_change(
        unit,
        attempt["id"],
        row["points"],
        points,
        "regrade",
        row["question_id"],
        why,
        by,
        regrade_id,
    )
    if attempt["status"] != "graded":
        return False
    return await grading.total(
        unit, attempt, now, reason="regrade", why=why, by=by, regrade_id=regrade_id
    )


async def page(unit: Unit, question_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    """The regrades of a question, oldest first."""
    after = pages.decode(cursor, datetime)
    rows = await repository.page(unit, "regrades", after, limit + 1, question_id=question_id)
    return pages.page(rows, limit)
