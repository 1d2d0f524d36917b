"""Webhooks and their deliveries, as Postgres has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core_lms.webhooks.schemas import Delivery, Webhook
from stack.queries import load


class ListedDelivery(Delivery):
    """As the operator's list has it."""

    webhook_status: str


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
