"""The assessments of a course's next run: banks, questions, rules and slots, no attempts."""

from __future__ import annotations

from contracts.events.assessments import AssessmentCreated
from core_lms.assessment.grading import SOURCE
from core_lms.assessment.repository import SQL
from core_lms.assessment.schemas import Assessment, NewAssessment
from core_lms.assessment.service import facts
from core_lms.courses.structure import CourseCopy
from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__, "structure.sql", assessment=Assessment)
_DATES = ("opens_at", "due_at", "closes_at")


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Emits ``assessment.created`` for each assessment; its dates move with the course's."""
    banks = await run.read(unit, _sql["banks"])
    await run.write(unit, _sql["insert_banks"], [run.copied(row) for row in banks])
    rows = await run.read(unit, _sql["questions"])
    questions = [run.copied(row, "bank_id") for row in rows]
    await run.write(unit, _sql["insert_questions"], questions)
    await run.write(unit, _sql["insert_versions"], questions)
    for row in await unit.all(Assessment, _sql["assessments"], source_id=run.source_id):
        values = row.model_dump(include=set(NewAssessment.model_fields))
        values |= {name: run.moved(values[name]) for name in _DATES}
        id_, values["course_id"] = run.id_of(row.id), run.target_id
        made = await unit.need(Assessment, SQL["insert"], f"assessment {id_}", id=id_, **values)
        unit.emit(AssessmentCreated(**facts(made)), source=SOURCE)
    refers = ("assessment_id", "question_id", "bank_id")
    slots = [run.copied(row, *refers) for row in await run.read(unit, _sql["slots"])]
    await run.write(unit, _sql["insert_slots"], slots)
