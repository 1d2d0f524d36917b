"""Payments of an order: opening them with a provider, and what the provider's notices do.

A provider is called outside of transactions: first our row, then the call under the row's id as
idempotency key, then what it answered. Killed in between, the repeated request does the same call
again and gets the same answer. Notices come at least once and in any order; each is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from contracts.errors import Rejected
from contracts.events.payments import OrderPaid
from core_lms.enrollments import service as enrollments
from core_lms.enrollments.schemas import NewEnrollment
from core_lms.idempotency import claim
from core_lms.payments import refunding, service
from core_lms.payments.failpoint import reached
from core_lms.payments.providers import Intent, Notice, Provider, provider, return_url
from core_lms.payments.repository import SQL
from core_lms.payments.schemas import NewPayment, Order, Payment
from core_lms.payments.service import SOURCE
from core_lms.unit import Unit
from core_lms.units import transaction
from gateway.caller import service as our
from gateway.errors import Conflict, NotFound

log = logging.getLogger("core_lms.payments")

Outcome = Literal["done", "repeated", "ignored"]
FINAL = ("succeeded", "surplus", "flagged")


@dataclass(frozen=True, slots=True)
class _Whose:
    payment_id: UUID
    institution_id: UUID


async def begin(unit: Unit, order_id: UUID, new: NewPayment) -> Payment:
    """Our row of the payment; the provider does not know of it yet."""
    id_ = await claim(unit, "payment", new, order_id)
    if unit.repeated:
        return await get(unit, id_)
    order = await service.lock(unit, order_id)
    if order.status != "open":
        raise Conflict(f"order {order_id} is {order.status}")
    provider(new.provider).takes(order.amount_minor, order.currency)
    what = {"order_id": order_id, "provider": new.provider, **service.amount(order)}
    return await unit.need(Payment, SQL["insert_payment"], f"payment {id_}", id=id_, **what)


async def intent(unit: Unit, row: Payment) -> Intent:
    """What the provider is to know of a payment."""
    order = await service.get(unit, row.order_id)
    return Intent(
        payment_id=str(row.id),
        order_id=str(row.order_id),
        institution_id=unit.institution_id,
        **service.amount(row),
        title=await unit.value(SQL["course_title"], course_id=order.course_id),
        return_url=return_url(str(row.order_id)),
    )


async def opened(unit: Unit, id_: UUID, reference: str, redirect_url: str) -> Payment:
    """The payment with the page where the person pays."""
    answer = {"reference": reference, "redirect_url": redirect_url}
    return await unit.need(Payment, SQL["open_payment"], f"payment {id_}", id=id_, **answer)


async def of_order(unit: Unit, order_id: UUID) -> list[Payment]:
    """All attempts, oldest first."""
    return await unit.all(Payment, SQL["payments_of_order"], order_id=order_id)


async def get(unit: Unit, id_: str | UUID) -> Payment:
    """Raises ``NotFound``."""
    return await unit.need(Payment, SQL["payment"], f"payment {id_}", id=id_)


async def notified(
    pool: AsyncConnectionPool[Any],
    name: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime | None = None,
) -> Outcome:
    """Check a provider's notice and do what it says, once.

    Raises ``Forbidden`` for a wrong signature, and ``Conflict`` or ``NotFound`` where the notice
    speaks of what we do not know (yet): the provider sends it again.
    """
    at = now or datetime.now(UTC)
    who: Provider = provider(name)
    notice = who.read(headers, body, at.timestamp())
    if notice is None:
        return "ignored"
    institution_id, payment_id = notice.institution_id, notice.payment_id
    if institution_id is None or payment_id is None:
        found = await _whose(pool, name, notice)
        if found is None:
            return "ignored"
        institution_id, payment_id = found
    async with transaction(pool, our("payments", institution_id)) as unit:
        return await apply(unit, name, payment_id, notice, at)


async def apply(unit: Unit, name: str, payment_id: str, notice: Notice, at: datetime) -> Outcome:
    """Do what a notice says in the unit of its institution, unless it was done before."""
    about = {"provider": name, "event_id": notice.event_id, "kind": notice.kind}
    if not await unit.execute(SQL["claim_notice"], payment_id=payment_id, **about):
        return "repeated"  # one under way at the same time was waited for
    reached("claimed")
    first = await get(unit, payment_id)
    if first.provider != name:
        raise NotFound(f"{name} has no payment {payment_id}")
    order = await service.lock(unit, first.order_id)
    payment = await get(unit, payment_id)  # as it is now that nobody else changes it
    if notice.kind == "succeeded":
        await _received(unit, order, payment, notice, at)
    elif notice.kind == "failed":
        if payment.status in ("created", "open"):
            await _set_status(unit, payment, "failed", 0, notice, at)
    else:
        await refunding.apply_notice(unit, order, payment, notice, at)
    return "done"


async def _received(
    unit: Unit, order: Order, payment: Payment, notice: Notice, at: datetime
) -> None:
    if payment.status in FINAL:
        return
    amount = notice.amount_minor
    if (amount, notice.currency) != (payment.amount_minor, payment.currency):
        log.error("payment of another amount", extra={"payment": str(payment.id)})
        await _set_status(unit, payment, "flagged", amount, notice, at)
        return
    if order.status != "open":
        log.warning("payment too many goes back", extra={"payment": str(payment.id)})
        await _set_status(unit, payment, "surplus", amount, notice, at)
        await refunding.create_refund(unit, payment, amount, f"order_{order.status}")
        return
    await _set_status(unit, payment, "succeeded", amount, notice, at)
    order = await unit.need(Order, SQL["pay_order"], "order", id=order.id, at=at)
    await _enroll(unit, order)
    paid = service.ids(order) | service.amount(payment)
    event = OrderPaid(**paid, payment_id=str(payment.id), provider=payment.provider)
    unit.emit(event, source=SOURCE)
    reached("paid")


async def _set_status(
    unit: Unit, payment: Payment, status: str, received: int, notice: Notice, at: datetime
) -> None:
    values = {"status": status, "received_minor": received, "charge": notice.charge, "at": at}
    await unit.execute(SQL["set_payment_status"], id=payment.id, **values)


async def _enroll(unit: Unit, order: Order) -> None:
    """Into the course, in the same transaction; the money counts even where that is impossible."""
    emitted = len(unit.events)
    enrollment_id, reason = None, None
    try:
        async with unit.cursor.connection.transaction():  # a savepoint
            enrollment = await enrollments.enroll(
                unit, order.course_id, NewEnrollment(user_id=str(order.user_id))
            )
            enrollment_id = enrollment.id
    except Rejected as error:
        del unit.events[emitted:]
        reason = error.message
        log.error("paid but not enrolled", extra={"order": str(order.id)})
    what = {"enrollment_id": enrollment_id, "reason": reason}
    await unit.execute(SQL["fulfil_order"], id=order.id, **what)


async def _whose(
    pool: AsyncConnectionPool[Any], name: str, notice: Notice
) -> tuple[str, str] | None:
    """Institution and payment of a charge that the provider names without our ids."""
    async with transaction(pool, our("payments", "")) as unit:
        charge = {"provider": name, "charge": notice.charge}
        found = await unit.one(_Whose, SQL["whose_charge"], **charge)
    return None if found is None else (str(found.institution_id), str(found.payment_id))
