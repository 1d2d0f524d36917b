"""Prices, orders, payments and refunds in Postgres: the API's shapes are the rows."""

from __future__ import annotations

from core_lms.payments.schemas import Order, Payment, Price, Refund
from stack.queries import load


class LeasedRefund(Refund):
    """A refund that is this process's to send, and what the provider needs to know."""

    provider: str
    charge: str | None
    currency: str


SQL = load(__file__, price=Price, order=Order, payment=Payment, refund=Refund)
