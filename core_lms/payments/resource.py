"""Purchases, orders and payments, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Purchase(Resource, sql=_sql["purchase"]):
    """A course that somebody is to have; the caller may be the ``self`` or a ``guardian``."""

    course_id: UUID | str
    about: UUID | str


@dataclass(frozen=True)
class Order(Resource, sql=_sql["order"]):
    """An order; the caller may be the ``self`` or a ``guardian`` of who learns."""

    order_id: UUID | str


@dataclass(frozen=True)
class Payment(Resource, sql=_sql["payment"]):
    """A payment of an order, with the same relations."""

    payment_id: UUID | str
