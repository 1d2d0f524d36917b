"""Choices of people about their data, and who may act for them, in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.sealing import person
from core_lms.unit import Unit
from gateway.pages import After, bounds
from stack.queries import load


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said last about a purpose."""

    purpose: str
    given: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One choice, as it was made."""

    id: UUID
    user_id: UUID
    purpose: str
    given: bool
    changed_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Guardian:
    """Somebody who acts for a learner, once the school has verified it."""

    guardian_id: UUID
    learner_id: UUID
    created_at: datetime
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Classmate:
    """A person in a course; ``id`` is the enrollment's."""

    id: UUID
    user_id: UUID
    role: str
    name: str
    email: str | None
    created_at: datetime


sql = load(__file__, choice=Choice, change=Change, guardian=Guardian)


async def choices(unit: Unit, user_id: object) -> dict[str, Choice]:
    """By purpose; the purposes that the person never spoke of are missing."""
    found = await unit.all(Choice, sql["consents"], user_id=user_id)
    return {choice.purpose: choice for choice in found}


async def class_list(
    unit: Unit, course_id: UUID, everybody: bool, after: After | None, limit: int
) -> list[Classmate]:
    values = {
        "course_id": course_id,
        "everybody": everybody,
        "caller_id": unit.caller.user_id,
        **bounds(after, limit + 1),
    }
    return await unit.all(_classmate, sql["class_list"], **values)


def _classmate(*, enrollment_id: UUID, created_at: datetime, **account: Any) -> Classmate:
    clear = person.opened(account)
    return Classmate(
        enrollment_id, clear["id"], clear["role"], clear["name"], clear["email"], created_at
    )
