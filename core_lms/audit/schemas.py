"""Rows of the audit log as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class AuditEntry(BaseModel):
    """Somebody did something with the data of people."""

    position: int
    """1 is the first of all; other institutions' rows are between yours."""
    id: UUID
    at: datetime
    actor: str
    """``user/<id>``, ``key/<id>``, ``machine/<name>``, ``service/<name>``; what a service asked for
    somebody is ``machine/<name> for user/<id>``."""
    action: str
    resource: str
    about: list[UUID]
    hash: str
    """Hexadecimal: SHA-256 over the row before it and this one."""
