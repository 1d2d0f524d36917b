"""Assessments, submissions and feedback in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from core_lms.assessment.schemas import Grade, NewAssessment, NewFeedback
from core_lms.pages import After
from core_lms.queries import load
from core_lms.work import Unit

_sql = load(__file__)


async def _one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def insert(unit: Unit, id_: str, course_id: object, new: NewAssessment) -> DictRow | None:
    return await _one(unit, "insert", id=id_, course_id=course_id, **new.model_dump())


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def page(unit: Unit, course_id: object, after: After | None, rows: int) -> list[DictRow]:
    values = {
        "course_id": course_id,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql["list"], values)
    return await unit.cursor.fetchall()


async def with_course(unit: Unit, id_: object) -> DictRow | None:
    """``kind``, ``course_id`` and ``course_status`` of an assessment, in one look."""
    return await _one(unit, "with_course", id=id_)


async def submit(
    unit: Unit, id_: str, assessment_id: object, course_id: object, user_id: str, at: datetime
) -> DictRow | None:
    return await _one(
        unit,
        "submit",
        id=id_,
        assessment_id=assessment_id,
        course_id=course_id,
        user_id=user_id,
        submitted_at=at,
    )


async def submission(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "submission", id=id_)


async def lock_submission(unit: Unit, id_: object) -> DictRow | None:
    """The submission with its assessment's ``kind``, not to be changed by others."""
    return await _one(unit, "lock_submission", id=id_)


async def grade(unit: Unit, id_: object, grade: Grade, at: datetime) -> DictRow | None:
    return await _one(
        unit, "grade", id=id_, score=grade.score, graded_by=grade.graded_by, graded_at=at
    )


async def give_feedback(
    unit: Unit, id_: str, submission_id: object, new: NewFeedback
) -> DictRow | None:
    return await _one(
        unit, "give_feedback", id=id_, submission_id=submission_id, **new.model_dump()
    )


async def feedback(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "feedback", id=id_)
