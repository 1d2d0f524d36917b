"""Choices of people about their data, and who may act for them, in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.privacy.schemas import Guardian
from core_lms.sealing import person
from core_lms.unit import Unit
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


def classmate(*, enrollment_id: UUID, created_at: datetime, **account: Any) -> Classmate:
    """A row of the list, its person in the clear."""
    clear = person.opened(account)
    return Classmate(
        enrollment_id, clear["id"], clear["role"], clear["name"], clear["email"], created_at
    )
