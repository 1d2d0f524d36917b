"""The assessments of a course's next run: banks, questions, rules and slots, no attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.events.assessments import AssessmentCreated
from core_lms.assessment.grading import SOURCE
from core_lms.assessment.repository import SQL
from core_lms.assessment.schemas import Assessment, NewAssessment
from core_lms.assessment.service import facts
from core_lms.courses.structure import CourseCopy
from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__, "structure.sql")
_DATES = ("opens_at", "due_at", "closes_at")


async def copy(unit: Unit, run: CourseCopy) -> None:
    """Emits ``assessment.created`` for each assessment; its dates move with the course's."""
    banks = await run.read(unit, _sql["banks"])
    await run.write(unit, _sql["insert_banks"], [_copied(run, row, "title") for row in banks])
    questions = [
        _copied(run, row, "kind", "tags", "points", "archived_at", "body", of=["bank_id"])
        for row in await run.read(unit, _sql["questions"])
    ]
    await run.write(unit, _sql["insert_questions"], questions)
    await run.write(unit, _sql["insert_versions"], questions)
    for row in await run.read(unit, _sql["assessments"]):
        values = {name: row[name] for name in NewAssessment.model_fields}
        values |= {name: run.moved(row[name]) for name in _DATES}
        id_ = run.id_of(row["id"])
        values["course_id"] = run.target_id
        made = await unit.need(Assessment, SQL["insert"], f"assessment {id_}", id=id_, **values)
        unit.emit(AssessmentCreated(**facts(made)), source=SOURCE)
    refers = ["assessment_id", "question_id", "bank_id"]
    slots = [
        _copied(run, row, "position", "tags", "draws", "points", of=refers)
        for row in await run.read(unit, _sql["slots"])
    ]
    await run.write(unit, _sql["insert_slots"], slots)


def _copied(
    run: CourseCopy, row: Mapping[str, Any], *names: str, of: list[str] | None = None
) -> dict[str, Any]:
    """The copy of a row as JSON has it: ``names`` as they are, what it refers to copied as well."""
    found = {"id": run.id_of(row["id"])}
    found |= {name: row[name] and run.id_of(row[name]) for name in of or []}
    for name in names:
        value = row[name]
        plain = value is None or isinstance(value, (str, int, list, dict))
        found[name] = value if plain else str(value)
    return found
