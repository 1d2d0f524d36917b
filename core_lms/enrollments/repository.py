"""Enrollments in Postgres: their rows and statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core_lms.enrollments.schemas import Enrollment, WaitlistEntry
from core_lms.unit import Unit
from stack.queries import load
from stack.roundtrip import Statement

SQL = load(__file__, enrollment=Enrollment)


@dataclass(frozen=True, slots=True)
class Entry:
    """What enrolling asks; the course is locked until we commit."""

    status: str
    capacity: int | None
    ends_at: datetime | None
    user_status: str | None
    """None: there is no such learner."""
    returning: bool
    """Whether the learner was in the course before."""
    priced: bool
    missing: list[str]
    """Prerequisites that the learner has not completed."""


class LockedEnrollment(Enrollment):
    """An enrollment that nobody else changes until we commit, and its course's capacity."""

    capacity: int | None


def locking(unit: Unit, user_id: object, course_id: object) -> Statement:
    """A learner's enrollment in a course, locked: what they do in it happens one by one."""
    return SQL["lock_of_learner"], _who(unit, user_id, course_id)


def counting(unit: Unit, user_id: object, course_id: object) -> Statement:
    """How much work is required, in ``total``, and how much of it is ``done``."""
    return SQL["required_work"], _who(unit, user_id, course_id)


def _who(unit: Unit, user_id: object, course_id: object) -> Mapping[str, Any]:
    named = {"user_id": user_id, "course_id": course_id}
    return named | {"institution_id": unit.institution_id}


async def lock_of_learner(unit: Unit, user_id: object, course_id: object) -> Enrollment | None:
    query = SQL["lock_of_learner"]
    return await unit.one(Enrollment, query, user_id=user_id, course_id=course_id)


async def read(unit: Unit, id_: object) -> Enrollment | None:
    return await unit.one(Enrollment, SQL["get"], id=id_)


async def waiting(unit: Unit, **which: object) -> WaitlistEntry | None:
    """An entry of a waitlist, by its ``id`` or by ``course_id`` and ``user_id``."""
    named = {"id": None, "course_id": None, "user_id": None, **which}
    return await unit.one(WaitlistEntry, SQL["waiting"], **named)
