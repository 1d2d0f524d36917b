"""Question banks and their questions, each in versions that never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from contracts.errors import Rejected
from core_lms import pages
from core_lms.assessment.kinds import kind_of, kinds, read_question
from core_lms.assessment.question_schemas import (
    Bank,
    NewBank,
    NewQuestion,
    Question,
    QuestionChange,
    Version,
)
from core_lms.assessment.repository import SQL
from core_lms.courses import service as courses
from core_lms.courses.describing import describe
from core_lms.idempotency import claim
from core_lms.unit import Unit
from gateway.etags import Check


async def add(unit: Unit, course_id: UUID, new: NewBank) -> tuple[Bank, bool]:
    """The bank and whether it is new; raises ``Conflict`` where the course is archived."""
    id_, repeated = await claim(unit, "question-bank", new, course_id)
    if repeated:
        return await get(unit, id_), False
    await courses.changeable(unit, course_id)
    values = {"course_id": course_id, "title": new.title}
    unit.conflicts(f"there is a bank {id_}")
    return await _bank(unit, "insert_bank", id_, **values), True


async def get(unit: Unit, id_: object) -> Bank:
    """Raises ``NotFound``."""
    return await _bank(unit, "bank", id_)


async def _bank(unit: Unit, name: str, id_: object, /, **values: Any) -> Bank:
    return await unit.need(Bank, SQL[name], f"bank {id_}", id=id_, **values)


async def rename(unit: Unit, id_: UUID, title: str, check: Check) -> Bank:
    check(await _bank(unit, "lock_bank", id_))
    return await _bank(unit, "rename_bank", id_, title=title)


async def page(unit: Unit, course_id: UUID, cursor: str | None, limit: int) -> dict[str, Any]:
    return await pages.read(unit, Bank, SQL["banks"], cursor, limit, course_id=course_id)


async def add_question(unit: Unit, bank_id: UUID, new: NewQuestion) -> tuple[Question, bool]:
    """The question and whether it is new; raises ``Rejected`` for a body its kind refuses."""
    id_, repeated = await claim(unit, "question", new, bank_id)
    if repeated:
        return await question(unit, id_), False
    body = stored(new.kind, new.body)
    bank = await _bank(unit, "lock_bank", bank_id)
    values = {"bank_id": bank_id, "course_id": bank.course_id, **new.model_dump(exclude={"body"})}
    unit.conflicts(f"there is a question {id_}")
    await unit.execute(SQL["insert_question"], id=id_, **values)
    await _write_version(unit, id_, 1, body, corrects=False, why=None)
    await describe(unit, bank.course_id)
    return await question(unit, id_), True


async def question(unit: Unit, id_: object) -> Question:
    """A question with the body it has now; raises ``NotFound``."""
    return await unit.need(Question, SQL["question"], f"question {id_}", id=id_)


async def lock_question(unit: Unit, id_: object) -> Question:
    """The question, which nobody else changes until we commit: its key stands still meanwhile."""
    return await unit.need(Question, SQL["lock_question"], f"question {id_}", id=id_)


async def questions(
    unit: Unit, bank_id: UUID, tag: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    query = SQL["questions_of_bank"]
    return await pages.read(unit, Question, query, cursor, limit, bank_id=bank_id, tag=tag)


async def change(unit: Unit, id_: UUID, changes: QuestionChange, check: Check) -> Question:
    """A body that differs is a new version; no grade changes before somebody asks to regrade."""
    row = await lock_question(unit, id_)
    check(row)
    if changes.corrects and changes.body is None:
        raise Rejected("corrects: is for a change with a body")
    body = row.body if changes.body is None else stored(row.kind, changes.body)
    version = row.version
    if body != row.body:
        version += 1
        await _write_version(unit, id_, version, body, changes.corrects, changes.why)
    points = row.points if changes.points is None else changes.points
    tags = row.tags if changes.tags is None else changes.tags
    if (version, points, tags) != (row.version, row.points, row.tags):
        values = {"points": points, "tags": tags, "version": version}
        await unit.execute(SQL["change_question"], id=id_, **values)
        await describe(unit, row.course_id)
    return await question(unit, id_)


async def archive(unit: Unit, id_: UUID) -> Question:
    """No longer drawn from its bank; what was asked, and slots that name it, stay."""
    await unit.execute(SQL["archive_question"], id=id_)
    archived = await question(unit, id_)
    await describe(unit, archived.course_id)
    return archived


async def versions(unit: Unit, id_: UUID) -> list[Version]:
    """What the question said and says, oldest first."""
    return await unit.all(Version, SQL["versions"], question_id=id_)


def stored(kind_name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` as its kind reads it, with the ids we gave and the defaults that hold now."""
    kind = kind_of(kind_name)
    found: dict[str, Any] = read_question(kind, body).model_dump(mode="json")
    return found


def described() -> list[dict[str, Any]]:
    """Every kind of question with the JSON Schemas of its questions and answers."""
    return [
        {
            "name": name,
            "question": kind.question.model_json_schema(),
            "answer": kind.answer.model_json_schema(),
            "example": dict(kind.example),
        }
        for name, kind in kinds().items()
    ]


async def _write_version(
    unit: Unit, id_: object, version: int, body: Mapping[str, Any], corrects: bool, why: str | None
) -> None:
    values = {"version": version, "body": Jsonb(body), "corrects": corrects, "why": why}
    await unit.execute(SQL["insert_version"], id=id_, written_by=unit.caller.user_id, **values)
