"""Consent, guardians and the directory as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from contracts.consent import Purpose
from contracts.event import Id
from gateway.text import Body, example


class Consent(BaseModel):
    """Whether a person agrees to a purpose now."""

    purpose: Purpose
    about: str
    given: bool
    changed_at: datetime | None
    """Null where the person has not said anything: the institution's default counts."""


class Consents(BaseModel):
    """All purposes."""

    items: list[Consent]


class ConsentChange(BaseModel):
    """One change, as it was made."""

    id: UUID
    purpose: str
    given: bool
    changed_by: str
    created_at: datetime


class ConsentChoice(Body):
    """Agree, or take it back."""

    model_config = example(given=False)

    given: bool


class NewGuardian(Body):
    """An account that shall act for the learner of the path."""

    model_config = example(guardian_id="0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11")

    guardian_id: Id


class Guardian(BaseModel):
    """Somebody who acts for a learner, once the school has verified it."""

    guardian_id: UUID
    learner_id: UUID
    created_at: datetime
    verified_at: datetime | None


class Guardians(BaseModel):
    items: list[Guardian]


class DirectoryChoice(Body):
    """Whether classmates are kept from seeing the person's name."""

    model_config = example(opted_out=True)

    opted_out: bool


class Directory(BaseModel):
    """The choice as it is."""

    opted_out: bool


class Classmate(BaseModel):
    """A person in a course; the address is for its teachers only."""

    user_id: UUID
    role: str
    name: str
    email: str | None
    created_at: datetime


class Erased(BaseModel):
    """Nothing of the person can be read any more."""

    id: UUID
    erased_at: datetime
