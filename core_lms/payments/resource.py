"""Purchases, orders and payments, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Purchase(Resource, beside=__file__):
    """A course that somebody is to have; the caller may be the ``self`` or a ``guardian``."""

    course_id: UUID | str
    about: UUID | str


@dataclass(frozen=True)
class Order(Resource, beside=__file__):
    """An order; the caller may be the ``self`` or a ``guardian`` of who learns."""

    order_id: UUID | str


@dataclass(frozen=True)
class Payment(Resource, beside=__file__):
    """A payment of an order, with the same relations."""

    payment_id: UUID | str
