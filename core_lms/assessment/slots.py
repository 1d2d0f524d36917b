"""What an assessment asks: questions named outright, and draws from banks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from contracts.errors import Rejected
from core_lms.assessment.arranging import arranged, drawn
from core_lms.assessment.question_schemas import Bank, NewPart, Part, Question
from core_lms.assessment.repository import SQL, Askable
from core_lms.assessment.schemas import Assessment
from core_lms.idempotency import claim
from core_lms.unit import Unit
from gateway.errors import Conflict, NotFound

MOST = 200
"""Questions that one attempt may ask."""


async def add(unit: Unit, assessment_id: UUID, new: NewPart) -> Part:
    """The slot. Attempts under way keep what they were asked.

    Raises ``Rejected`` for a question or bank of another course, and for a bank that has fewer
    questions than are to be drawn.
    """
    id_ = await claim(unit, "assessment-part", new, assessment_id)
    if unit.repeated:
        return await unit.need(Part, SQL["slot"], f"part {id_}", id=id_)
    what = f"assessment {assessment_id}"
    assessment = await unit.need(Assessment, SQL["lock"], what, id=assessment_id)
    if new.question_id is not None:
        question = await unit.one(Question, SQL["question"], id=new.question_id)
        _of_course(question, assessment, "question_id")
    else:
        _of_course(await unit.one(Bank, SQL["bank"], id=new.bank_id), assessment, "bank_id")
        fit = await unit.value(SQL["available"], bank_id=new.bank_id, tags=new.tags)
        if fit < (new.draws or 0):
            raise Rejected(f"draws: only {fit} questions of the bank fit")
    known = await listed(unit, assessment_id)
    if sum(slot.draws or 1 for slot in known) + (new.draws or 1) > MOST:
        raise Rejected(f"draws: an attempt asks at most {MOST} questions")
    values = {"assessment_id": assessment_id, **new.model_dump()}
    asked = f"question {new.question_id} is asked already"
    unit.conflicts(f"there is a part {id_}", assessment_parts_once=asked)
    return await unit.need(Part, SQL["insert_slot"], f"part {id_}", id=id_, **values)


def _of_course(row: Question | Bank | None, assessment: Assessment, what: str) -> None:
    if row is None or row.course_id != assessment.course_id:
        raise Rejected(f"{what}: there is no such one in the assessment's course")


async def listed(unit: Unit, assessment_id: UUID) -> list[Part]:
    return await unit.all(Part, SQL["slots"], assessment_id=assessment_id)


async def remove(unit: Unit, assessment_id: UUID, slot_id: UUID) -> None:
    where = {"id": slot_id, "assessment_id": assessment_id}
    if await unit.value(SQL["delete_slot"], **where) is None:
        raise NotFound(f"assessment {assessment_id} has no part {slot_id}")


async def chosen(unit: Unit, assessment_id: UUID, seed: str, *, shuffled: bool) -> list[Askable]:
    """The questions of an attempt with this seed, in order.

    Raises ``Conflict`` where the assessment asks nothing, or a bank has run out of questions.
    """
    slots = await listed(unit, assessment_id)
    if not slots:
        raise Conflict(
            f"assessment {assessment_id} asks no questions: hand in with "
            f"POST /api/v1/assessments/{assessment_id}/submissions"
        )
    askable = await unit.all(Askable, SQL["askable"], assessment_id=assessment_id)
    found, missing = draw(slots, askable, seed)
    if missing:
        raise Conflict(
            f"a bank that assessment {assessment_id} draws from lacks {missing} questions"
        )
    return arranged(found, f"order/{seed}", _id) if shuffled else found


def draw(slots: Iterable[Part], askable: Iterable[Askable], seed: str) -> tuple[list[Askable], int]:
    """What is asked, each question once, and how many are missing.

    Named questions first, so that no draw takes one of them; then the draws in the order of the
    slots. The result is in the slots' order.
    """
    slots = list(slots)
    offered: dict[object, list[Askable]] = defaultdict(list)
    for row in askable:
        offered[row.slot_id].append(row)
    by_slot: dict[object, list[Askable]] = {}
    taken: set[object] = set()
    missing = 0
    for slot in sorted(slots, key=lambda slot: slot.draws is not None):
        wanted = slot.draws or 1
        free = [row for row in offered[slot.id] if row.id not in taken]
        got = drawn(free, wanted, f"draw/{seed}/{slot.id}", _id)
        taken |= {row.id for row in got}
        missing += wanted - len(got)
        by_slot[slot.id] = got
    return [row for slot in slots for row in by_slot[slot.id]], missing


def _id(row: Askable) -> object:
    return row.id
