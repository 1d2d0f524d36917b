"""Webhooks and their deliveries as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.text import Body, Text, example

Url = Annotated[Text, Field(min_length=10, max_length=2000, pattern=r"^https?://[\x21-\x7e]+$")]
EventTypes = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=100, description="`order.paid`, `order.*` or `*`"),
]
Description = Annotated[Text, Field(max_length=500)]
DeliveryStatus = Literal["due", "delivered", "dead"]


class NewWebhook(Body):
    """An address to notify of events."""

    model_config = example(
        url="https://sis.example.org/learnstream",
        event_types=["order.paid", "course.completed"],
        description="student information system",
    )

    url: Url
    event_types: EventTypes
    description: Description = ""


class WebhookChange(Body):
    """What to change; fields left out stay as they are. `active` also ends being disabled."""

    model_config = example(status="paused")

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    status: Literal["active", "paused"] | None = None


class Webhook(BaseModel):
    """An address that is notified of events; while `paused` they are kept for it."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    status: Literal["active", "paused", "disabled"]
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    previous_until: datetime | None
    """Until then the secret before signs as well."""
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


class ShownWebhook(Webhook):
    """With the secret that signs, shown this once."""

    secret: str | None
    """None where the request was repeated: it was shown the first time."""


class Rotation(Body):
    """A new secret; the one before signs as well for a while."""

    model_config = example(overlap_hours=24)

    overlap_hours: Annotated[int, Field(ge=0, le=24 * 30)] = 24


class Delivery(BaseModel):
    """One event for one address; ``event_id`` is its ``webhook-id`` in every attempt."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event_type: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime
    last_status: int | None
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None


class Retried(BaseModel):
    """How many dead deliveries are due again."""

    deliveries: int
