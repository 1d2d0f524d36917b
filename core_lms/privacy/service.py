"""Guardians of learners, and who sees whose name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from core_lms import audit_trail, pages
from core_lms.privacy.repository import classmate, sql
from core_lms.privacy.schemas import Guardian
from core_lms.unit import Unit, found
from core_lms.users import service as users
from gateway.decision import Right
from gateway.errors import Conflict, NotFound
from gateway.pages import Window

LIST_ALL = Right("directory.list-all")
"""To see the whole class, with addresses, whoever opted out of the directory."""


async def guardians(unit: Unit, learner_id: UUID) -> dict[str, Any]:
    """Who acts for a learner, or would like to."""
    rows = await unit.all(Guardian, sql["guardians"], user_id=learner_id)
    audit_trail.shown(rows, "guardian_id")
    return {"items": rows}


async def wards(unit: Unit, guardian_id: UUID) -> dict[str, Any]:
    """The learners for whom somebody acts."""
    rows = await unit.all(Guardian, sql["wards"], user_id=guardian_id)
    audit_trail.shown(rows, "learner_id")
    return {"items": rows}


async def add_guardian(unit: Unit, learner_id: UUID, guardian_id: str) -> Guardian:
    """Name a guardian, who may do nothing until verified."""
    if str(learner_id) == guardian_id:
        raise Rejected("guardian_id: nobody is their own guardian")
    await users.active(unit, guardian_id, "guardian_id")
    await users.get(unit, learner_id)
    audit_trail.record(unit, learner_id, guardian_id)
    ids = {"learner_id": learner_id, "guardian_id": guardian_id}
    unit.repeated = await unit.execute(sql["add_guardian"], **ids) == 0
    row = await unit.one(Guardian, sql["guardian"], **ids)
    if row is None:
        raise Conflict(f"user {guardian_id} was removed as a guardian a moment ago; try again")
    return row


async def verify_guardian(unit: Unit, learner_id: UUID, guardian_id: UUID) -> Guardian:
    """The school has seen that it is so; from now on the guardian may act."""
    audit_trail.record(unit, learner_id, guardian_id)
    ids = {"learner_id": learner_id, "guardian_id": guardian_id}
    by = unit.caller.user_id
    row = await unit.one(Guardian, sql["verify_guardian"], verified_by=by, **ids)
    return found(row, f"user {guardian_id} is not a guardian of user {learner_id}")


async def remove_guardian(unit: Unit, learner_id: UUID, guardian_id: UUID) -> None:
    """The guardian may do nothing for the learner from the next request on."""
    audit_trail.record(unit, learner_id, guardian_id)
    ids = {"learner_id": learner_id, "guardian_id": guardian_id}
    if not await unit.execute(sql["remove_guardian"], **ids):
        raise NotFound(f"user {guardian_id} is not a guardian of user {learner_id}")


async def directory(unit: Unit, user_id: UUID) -> dict[str, Any]:
    user = await users.get(unit, user_id)
    return {"opted_out": user.directory_opt_out}


async def set_directory(unit: Unit, user_id: UUID, opted_out: bool) -> dict[str, Any]:
    """Hide or show a person's name to those who are nothing to them but classmates."""
    audit_trail.record(unit, user_id)
    if not await unit.execute(sql["set_directory"], user_id=user_id, opted_out=opted_out):
        raise NotFound(f"there is no user {user_id}")
    return {"opted_out": opted_out}


async def class_list(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """The people of a course: all with addresses for its teachers, else names not withheld."""
    teaching = unit.may(LIST_ALL)
    where: dict[str, Any] = {"course_id": course_id, "everybody": teaching}
    where["caller_id"] = unit.caller.user_id
    listed = await pages.read(unit, classmate, sql["class_list"], window, **where)
    if not teaching:
        listed["items"] = [replace(row, email=None) for row in listed["items"]]
    return listed
