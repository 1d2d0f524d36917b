"""API keys as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.event import Timestamp
from gateway.text import Body, Line, example

Scope = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^(\*|[a-z][a-z0-9_-]*\.(\*|[a-z][a-z0-9_.-]*))$",
        description="an action (`item.read`), all of a noun (`course.*`) or everything (`*`)",
    ),
]


class NewApiKey(Body):
    """A key for one machine; give it no more than that machine needs."""

    model_config = example(name="nightly export", scopes=["course.list", "enrollment.*"])

    name: Line
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=100)]
    expires_at: Timestamp | None = None
    """None: after `LMS_API_KEYS_LIFETIME_DAYS`."""


class ApiKey(BaseModel):
    """A key, without what makes it one. It counts until it expires or is revoked, and no longer
    than whoever made it is active and may make keys."""

    id: UUID
    name: str
    start: str
    scopes: list[str]
    service: str | None
    """Which of our own services it is of."""
    expires_at: datetime | None
    """Null for a service's key: it ends when it is rotated."""
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None
    created_by: UUID | None
    """The person who made it, or made the key that made it; null: the operator's tools."""
    made_with: UUID | None
    """The key that made it, with which it ends."""
    created_at: datetime


class ShownApiKey(ApiKey):
    """The key itself, shown this once: who loses it makes another."""

    key: str | None
    """None where the request was repeated: it was shown the first time."""
