"""Certificates in Postgres: their rows and statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stack.queries import load


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCertificate:
    """A certificate with what is signed."""

    id: UUID
    institution_id: UUID
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID
    code: str
    document: str
    signature: bytes
    kid: str
    shown_name: str | None
    issued_at: datetime
    replaces_id: UUID | None
    revoked_at: datetime | None
    revoked_by: UUID | None
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCertificate(StoredCertificate):
    """Everything that the public page is made of; the name is sealed."""

    public_key: bytes
    holder_id: UUID
    erased_at: datetime | None
    name_encrypted: bytes | None
    directory_opt_out: bool
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a certificate is about, and whether there is or was one for the enrollment."""

    user_id: UUID
    course_id: UUID
    completed_at: datetime | None
    title: str
    certified: bool
    """Whether the course gives certificates."""
    erased: bool
    issued_before: bool


SQL = load(__file__, certificate=StoredCertificate)
