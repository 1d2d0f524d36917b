"""Webhooks and their deliveries, as Postgres has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from stack.queries import load


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address of another system; ``secret`` is what signs, shown when it is made."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    status: Literal["active", "paused", "disabled"]
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    previous_until: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one address, and what came of it so far."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event_type: str
    status: Literal["due", "delivered", "dead"]
    attempts: int
    next_attempt_at: datetime
    last_status: int | None
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None
    webhook_status: str = ""
    """Where it is asked for: the operator's list."""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, of any institution."""

    delivery_id: UUID
    webhook_id: UUID
    institution_id: UUID


@dataclass(frozen=True, slots=True)
class Leased:
    """What a sender needs to make one attempt."""

    webhook_id: UUID
    event_id: UUID
    message: str
    attempts: int
    url: str
    secret_sealed: bytes
    previous_sealed: bytes | None
    previous_until: datetime | None


sql = load(__file__, webhook=Webhook, a_delivery=Delivery, due=Due)
