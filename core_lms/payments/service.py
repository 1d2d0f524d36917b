"""Prices of courses, and orders from open to cancelled; paying them is in ``paying``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.payments import OrderCancelled, OrderCreated
from core_lms import pages
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.payments import resource
from core_lms.payments.repository import SQL
from core_lms.payments.schemas import NewOrder, NewPrice, Order, Payment, Price
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import Conflict, NotFound
from gateway.pages import Window

SOURCE = "payment-service"


async def set_price(unit: Unit, course_id: UUID, new: NewPrice) -> Price:
    """The price; an earlier one in the same currency is retired."""
    id_ = await claim(unit, "price", new, course_id)
    if unit.repeated:
        return await unit.need(Price, SQL["price"], f"price {id_}", id=id_)
    await courses.changeable(unit, course_id)  # two prices at once come one after the other
    await unit.execute(SQL["retire_price"], course_id=course_id, currency=new.currency)
    values = {"course_id": course_id, **amount(new)}
    row = await unit.need(Price, SQL["insert_price"], f"price {id_}", id=id_, **values)
    await courses.structure_changed(unit, course_id)
    return row


async def retire_price(unit: Unit, course_id: UUID, currency: str) -> Price:
    """Raises ``NotFound``; a course without prices is free."""
    await courses.changeable(unit, course_id)
    row = await unit.one(Price, SQL["retire_price"], course_id=course_id, currency=currency)
    if row is None:
        raise NotFound(f"course {course_id} has no price in {currency}")
    await courses.structure_changed(unit, course_id)
    return row


async def prices(unit: Unit, course_id: UUID) -> list[Price]:
    return await unit.all(Price, SQL["prices"], course_id=course_id)


async def order(unit: Unit, new: NewOrder) -> Order:
    """The order.

    Raises ``Conflict`` where the learner is in the course, or has ordered it already, or it is not
    published, and ``Rejected`` where it costs nothing (in that currency).
    """
    id_ = await claim(unit, "order", new, shown=("order.read", resource.Order))
    if unit.repeated:
        return await get(unit, id_)
    course_id = UUID(new.course_id)
    await courses.open_to_learners(unit, course_id)
    await users.active(unit, new.user_id, "user_id")
    price = _chosen(await prices(unit, course_id), new)
    who = {"user_id": new.user_id, "course_id": course_id}
    if await unit.value(SQL["in_course"], **who):
        raise Conflict(f"user {new.user_id} is in course {course_id} already")
    await _refuse_second(unit, new)
    twice = f"user {new.user_id} has ordered course {course_id} already"
    unit.conflicts(f"there is an order {id_}", orders_once=twice)
    values = {"ordered_by": unit.caller.user_id, "price_id": price.id, **amount(price), **who}
    row = await unit.need(Order, SQL["insert_order"], f"order {id_}", id=id_, **values)
    unit.emit(OrderCreated(**ids(row), **amount(row)), source=SOURCE)
    return row


async def get(unit: Unit, id_: str | UUID) -> Order:
    """Raises ``NotFound``."""
    return await unit.need(Order, SQL["order"], f"order {id_}", id=id_)


async def lock(unit: Unit, id_: str | UUID) -> Order:
    """The order, which nobody else pays, refunds or cancels until we commit."""
    return await unit.need(Order, SQL["lock_order"], f"order {id_}", id=id_)


async def page(
    unit: Unit,
    window: Window,
    user_id: UUID | None = None,
    status: str | None = None,
    attention: bool = False,
) -> dict[str, Any]:
    """Orders, oldest first; ``attention``: those that were paid and did not lead into a course."""
    which: dict[str, Any] = {"user_id": user_id, "status": status, "attention": attention}
    return await pages.read(unit, Order, SQL["orders"], window, **which)


async def cancel(unit: Unit, id_: UUID) -> Order:
    """Give up an order nobody has paid; a cancelled one stays as it is.

    Should money come for it nevertheless, it goes back.
    """
    row = await lock(unit, id_)
    if row.status == "cancelled":
        return row
    if row.status != "open":
        raise Conflict(f"order {id_} is {row.status}: ask for a refund instead")
    unit.emit(OrderCancelled(**ids(row)), source=SOURCE)
    return await unit.need(Order, SQL["cancel_order"], f"order {id_}", id=id_)


def ids(row: Order) -> dict[str, Any]:
    """The ids of an order that every event about it carries."""
    return {"order_id": str(row.id), "user_id": str(row.user_id), "course_id": str(row.course_id)}


def amount(row: NewPrice | Price | Order | Payment) -> dict[str, Any]:
    """What is to be paid, in which currency."""
    return {"amount_minor": row.amount_minor, "currency": row.currency}


def _chosen(found: list[Price], new: NewOrder) -> Price:
    if not found:
        raise Rejected(f"course {new.course_id} costs nothing: enroll without an order")
    wanted = [row for row in found if new.currency in (None, row.currency)]
    if len(wanted) == 1:
        return wanted[0]
    offered = ", ".join(row.currency for row in found)
    raise Rejected(f"currency: name one of {offered}")


async def _refuse_second(unit: Unit, new: NewOrder) -> None:
    who = {"user_id": new.user_id, "course_id": new.course_id}
    standing = await unit.one(Order, SQL["standing_order"], **who)
    if standing is not None:
        what_to_do = "enroll" if standing.status == "paid" else "pay or cancel it"
        raise Conflict(
            f"user {new.user_id} has order {standing.id} for course {new.course_id}, which is "
            f"{standing.status}: {what_to_do}"
        )
