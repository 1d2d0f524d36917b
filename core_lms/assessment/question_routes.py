"""Question banks, questions and their versions, kinds of questions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from core_lms.assessment import banks, regrading, resource
from core_lms.assessment.clock import Now
from core_lms.assessment.question_schemas import (
    Bank,
    NewBank,
    NewQuestion,
    NewRegrade,
    Question,
    QuestionChange,
    QuestionKind,
    Regrade,
    Version,
)
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.resource import Institution

router = APIRouter()


@router.get("/question-kinds", response_model=list[QuestionKind])
async def list_question_kinds(
    units: Annotated[Units, action("question-kind.list")],
) -> list[dict[str, Any]]:
    """List how questions of each kind are written and answered."""
    async with units.begin(Institution()):
        return banks.described()


@router.post("/courses/{course_id}/banks", status_code=HTTPStatus.CREATED)
async def create_bank(
    course_id: UUID, body: NewBank, units: Annotated[Units, action("bank.create", keyed=True)]
) -> Bank:
    """Begin a bank of questions in a course."""
    async with units.begin(Course(course_id)) as unit:
        return await banks.add(unit, course_id, body)


@router.get("/courses/{course_id}/banks", response_model=Page[Bank])
async def list_course_banks(
    course_id: UUID, units: Annotated[Units, action("bank.list")], window: InWindow
) -> dict[str, Any]:
    """List the banks of a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await banks.page(unit, course_id, window)


@router.get("/banks/{bank_id}", response_model=Bank, responses=etags.READ)
async def get_bank(
    bank_id: UUID, units: Annotated[Units, action("bank.read")], reader: InReader
) -> Any:
    """Read one bank."""
    async with units.begin(resource.Bank(bank_id)) as unit:
        return reader.answer(await banks.get(unit, bank_id))


@router.patch("/banks/{bank_id}", response_model=Bank, responses=etags.UPDATE)
async def rename_bank(
    bank_id: UUID, body: NewBank, units: Annotated[Units, action("bank.update")], writer: InWriter
) -> Any:
    """Give a bank another title."""
    async with units.begin(resource.Bank(bank_id)) as unit:
        return writer.answer(await banks.rename(unit, bank_id, body.title, writer.check))


@router.post("/banks/{bank_id}/questions", status_code=HTTPStatus.CREATED)
async def create_question(
    bank_id: UUID, body: NewQuestion, units: Annotated[Units, action("question.create", keyed=True)]
) -> Question:
    """Add a question to a bank."""
    async with units.begin(resource.Bank(bank_id)) as unit:
        return await banks.add_question(unit, bank_id, body)


@router.get("/banks/{bank_id}/questions", response_model=Page[Question])
async def list_bank_questions(
    bank_id: UUID,
    units: Annotated[Units, action("question.list")],
    window: InWindow,
    tag: Annotated[str | None, Query(max_length=50, description="only those that have it")] = None,
) -> dict[str, Any]:
    """List the questions of a bank, oldest first, keys included."""
    async with units.begin(resource.Bank(bank_id)) as unit:
        return await banks.questions(unit, bank_id, tag, window)


@router.get("/questions/{question_id}", response_model=Question, responses=etags.READ)
async def get_question(
    question_id: UUID, units: Annotated[Units, action("question.read")], reader: InReader
) -> Any:
    """Read one question as it is now, key included."""
    async with units.begin(resource.Question(question_id)) as unit:
        return reader.answer(await banks.question(unit, question_id))


@router.patch("/questions/{question_id}", response_model=Question, responses=etags.UPDATE)
async def update_question(
    question_id: UUID,
    body: QuestionChange,
    units: Annotated[Units, action("question.update")],
    writer: InWriter,
) -> Any:
    """Change a question; another body is a new version. Grades change when it is regraded."""
    async with units.begin(resource.Question(question_id)) as unit:
        return writer.answer(await banks.change(unit, question_id, body, writer.check))


@router.post("/questions/{question_id}/archive")
async def archive_question(
    question_id: UUID, units: Annotated[Units, action("question.archive")]
) -> Question:
    """No longer draw a question from its bank; sending it again is harmless."""
    async with units.begin(resource.Question(question_id)) as unit:
        return await banks.archive(unit, question_id)


@router.get("/questions/{question_id}/versions")
async def list_question_versions(
    question_id: UUID, units: Annotated[Units, action("question.read")]
) -> list[Version]:
    """List what a question said and says, oldest first."""
    async with units.begin(resource.Question(question_id)) as unit:
        return await banks.versions(unit, question_id)


@router.post("/questions/{question_id}/regrades", status_code=HTTPStatus.CREATED)
async def create_regrade(
    question_id: UUID,
    body: NewRegrade,
    units: Annotated[Units, action("question.regrade", keyed=True)],
    now: Now,
) -> Regrade:
    """Grade every answer to a question again; emits `assessment.question.graded` and
    `assessment.graded` for what changes.
    """
    async with units.begin(resource.Question(question_id)) as unit:
        return await regrading.regrade(unit, question_id, body, now)


@router.get("/questions/{question_id}/regrades", response_model=Page[Regrade])
async def list_question_regrades(
    question_id: UUID, units: Annotated[Units, action("question.read")], window: InWindow
) -> dict[str, Any]:
    """List how often a question was graded again, why, and what came of it."""
    async with units.begin(resource.Question(question_id)) as unit:
        return await regrading.page(unit, question_id, window)
