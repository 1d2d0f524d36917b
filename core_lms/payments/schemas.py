"""Prices, orders, payments and refunds as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, computed_field

from contracts.event import Id
from core_lms.payments.currencies import CurrencyCode, spelled
from gateway.text import Body, example

Amount = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="in minor units: 1250 is 12.50 EUR, but 1250 JPY")
]
ProviderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
OrderStatus = Literal["open", "paid", "refunded", "cancelled"]
Reason = Literal["requested", "duplicate", "fraudulent", "course_cancelled"]

_LEARNER = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"
_COURSE = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c22"


class NewPrice(Body):
    """What the course of the path costs from now on in one currency."""

    model_config = example(currency="EUR", amount_minor=4900)

    currency: CurrencyCode
    amount_minor: Amount


class Price(BaseModel):
    """A price; ``display`` is how people write it."""

    id: UUID
    course_id: UUID
    currency: str
    amount_minor: int
    created_at: datetime
    retired_at: datetime | None

    @computed_field
    def display(self) -> str:
        return spelled(self.amount_minor, self.currency)


class Prices(BaseModel):
    """What a course costs; none: nothing."""

    items: list[Price]


class NewOrder(Body):
    """A course for a learner, at its price of the moment."""

    model_config = example(user_id=_LEARNER, course_id=_COURSE, currency="EUR")

    user_id: Id
    course_id: Id
    currency: CurrencyCode | None = None
    """None where the course has one price only."""


class Order(BaseModel):
    """An order; once ``paid`` it entitles the learner to the course until it is ``refunded``."""

    id: UUID
    user_id: UUID
    course_id: UUID
    currency: str
    amount_minor: int
    refunded_minor: int
    status: OrderStatus
    enrollment_id: UUID | None
    not_enrolled: str | None
    """Why a paid order did not lead into the course."""
    created_at: datetime
    paid_at: datetime | None

    @computed_field
    def display(self) -> str:
        return spelled(self.amount_minor, self.currency)


class NewPayment(Body):
    """An attempt to pay the order of the path."""

    model_config = example(provider="test")

    provider: ProviderName


class Payment(BaseModel):
    """A payment: send the person to ``redirect_url``; the provider notifies us of the rest."""

    id: UUID
    order_id: UUID
    provider: str
    redirect_url: str | None
    currency: str
    amount_minor: int
    received_minor: int
    status: Literal["created", "open", "succeeded", "failed", "surplus", "flagged"]
    created_at: datetime
    settled_at: datetime | None


class Payments(BaseModel):
    """All attempts to pay an order, oldest first."""

    items: list[Payment]


class Simulation(Body):
    """What the pretended payment page shall report."""

    model_config = example(outcome="succeeded")

    outcome: Literal["succeeded", "failed"]


class NewRefund(Body):
    """Money back; all that is left where no amount is given."""

    model_config = example(amount_minor=2000, reason="requested")

    amount_minor: Amount | None = None
    payment_id: Id | None = None
    """None: the payment that paid the order."""
    reason: Reason = "requested"


class Refund(BaseModel):
    """A refund; ``due`` until it was sent, ``sent`` until the provider says it is done."""

    id: UUID
    order_id: UUID
    payment_id: UUID
    amount_minor: int
    reason: str
    status: Literal["due", "sent", "succeeded", "failed"]
    attempts: int
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None


class Refunds(BaseModel):
    """All refunds of an order, oldest first."""

    items: list[Refund]


class NoticeTaken(BaseModel):
    """What became of a notice: done now, done before, or of no interest."""

    outcome: Literal["done", "repeated", "ignored"]
