"""Certificates as they cross HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.text import Body, Text, example

ShownName = Literal["full", "initials", "none"]
State = Literal["valid", "revoked", "invalid"]


class Certificate(BaseModel):
    """A certificate as its holder and the staff see it; ``url`` is the public link."""

    id: UUID
    institution_id: UUID
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID
    code: str
    url: str
    status: Literal["valid", "revoked"]
    shown_name: ShownName | None
    issued_at: datetime
    replaces_id: UUID | None
    revoked_at: datetime | None
    revoked_by: UUID | None
    reason: str | None


class NameChoice(Body):
    """How the holder's name is shown to whoever has the link; null: as the directory would show it,
    which is in full, or initials for who opted out of the directory."""

    model_config = example(shown_name="initials")

    shown_name: ShownName | None


class Revocation(Body):
    """Why a certificate no longer counts; for its holder and the staff, never public."""

    model_config = example(reason="the final work was not the learner's own")

    reason: Annotated[Text, Field(min_length=3, max_length=1000, pattern=r"\S")]


class Reissue(Body):
    """Nothing to say: the path names the certificate that is replaced."""


class Verification(BaseModel):
    """What a public link shows. ``document``, ``signature`` and ``key_id`` are enough to check it
    without us: Ed25519 over the UTF-8 bytes of ``document``, keys in ``/certificates/keys.json``.
    """

    model_config = example(
        status="valid",
        code="7K3QX-0M2VA-9T1BD-E6RZN",
        course="Statistics",
        completed_on="2026-02-17",
        issued_at="2026-02-17T14:30:00Z",
        revoked_at=None,
        holder="M. O.",
        document='{"code":"…"}',
        signature="q3Jp…",
        key_id="01a2061c-f7c7-78eb-baaf-244bc2b01e93",
    )

    status: State
    code: str
    course: str
    completed_on: date
    issued_at: datetime
    revoked_at: datetime | None
    holder: str | None
    document: str
    signature: str
    key_id: str
