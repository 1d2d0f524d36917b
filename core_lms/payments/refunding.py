"""Money back: in full or in part, never more than was paid, sent by a loop until it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from contracts.errors import LearnstreamError, Rejected, Retryable
from contracts.events.payments import OrderRefunded
from contracts.ids import new_id
from core_lms.enrollments import service as enrollments
from core_lms.enrollments.schemas import Leaving
from core_lms.idempotency import claim
from core_lms.payments import service
from core_lms.payments.failpoint import reached
from core_lms.payments.providers import Back, Notice, provider
from core_lms.payments.repository import SQL, LeasedRefund
from core_lms.payments.schemas import NewRefund, Order, Payment, Refund
from core_lms.payments.service import SOURCE
from core_lms.unit import Unit
from core_lms.units import transaction
from gateway.caller import service as our
from gateway.errors import Conflict, NotFound

log = logging.getLogger("core_lms.payments")

Clock = Callable[[], datetime]
LEASE = timedelta(minutes=2)
"""How long one process has a refund to itself; killed meanwhile, another sends it afterwards."""
LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class _Due:
    refund_id: UUID
    institution_id: UUID


async def request(unit: Unit, order_id: UUID, new: NewRefund) -> Refund:
    """The refund; raises ``Conflict`` where less than that is left."""
    id_ = await claim(unit, "refund", new, order_id)
    if unit.repeated:
        return await _refund(unit, id_)
    await service.lock(unit, order_id)
    payment = await _payment(unit, order_id, new.payment_id)
    left = payment.received_minor - await _refunded(unit, payment)
    amount = left if new.amount_minor is None else new.amount_minor
    if left <= 0 or amount > left:
        raise Conflict(
            f"{left} of {payment.received_minor} {payment.currency} (minor units) can still "
            f"be refunded of payment {payment.id}"
        )
    provider(payment.provider).takes(amount, payment.currency)
    return await create_refund(unit, payment, amount, new.reason, id_)


async def create_refund(
    unit: Unit,
    payment: Payment,
    amount_minor: int,
    reason: str,
    id_: str | None = None,
    *,
    status: str = "due",
    reference: str | None = None,
) -> Refund:
    """A refund that the loop sends while it is ``due``; the order is locked."""
    values = {"id": id_ or new_id(), "payment_id": payment.id, "order_id": payment.order_id}
    values |= {"amount_minor": amount_minor, "reason": reason, "reference": reference}
    values |= {"requested_by": unit.caller.user_id, "status": status}
    return await unit.need(Refund, SQL["insert_refund"], "refund", **values)


async def of_order(unit: Unit, order_id: UUID) -> list[Refund]:
    return await unit.all(Refund, SQL["refunds_of_order"], order_id=order_id)


async def apply_notice(
    unit: Unit, order: Order, payment: Payment, notice: Notice, at: datetime
) -> None:
    """What a provider says of a refund, ours or one made on its own pages; the order is locked."""
    refund = await _refund_of(unit, payment, notice)
    if notice.kind == "refund_failed":
        if refund.status != "succeeded":
            await _set_status(unit, refund, "failed", notice.refund_reference, at)
            log.error("refund failed", extra={"refund": str(refund.id)})
        return
    await _done(unit, order, payment, refund, notice.refund_reference, at)


async def send_due(pool: AsyncConnectionPool[Any], clock: Clock, at_most: int = 20) -> int:
    """Send the refunds that are due; returns how many were tried. Several processes may do so."""
    async with transaction(pool, our("payments", "")) as unit:
        due = await unit.all(_Due, SQL["due_refunds"], now=clock(), at_most=at_most)
    for one in due:
        await _send(pool, str(one.institution_id), one.refund_id, clock)
    return len(due)


async def _send(
    pool: AsyncConnectionPool[Any], institution_id: str, refund_id: UUID, clock: Clock
) -> None:
    caller = our("payments", institution_id)
    now = clock()
    async with transaction(pool, caller) as unit:
        until = now + LEASE
        refund = await unit.one(
            LeasedRefund, SQL["lease_refund"], id=refund_id, now=now, until=until
        )
    if refund is None:
        return  # somebody else has it
    reached("leased")
    back = Back(
        refund_id=str(refund_id),
        payment_id=str(refund.payment_id),
        institution_id=institution_id,
        charge=refund.charge or "",
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )
    try:
        answer = await provider(refund.provider).refund(back)
    except Retryable as error:
        wait = min(timedelta(seconds=5) * 2 ** min(refund.attempts, 20), LONGEST_WAIT)
        async with transaction(pool, caller) as unit:
            await _postpone(unit, refund_id, clock() + wait, error)
        return
    except Rejected as error:
        log.error("refund refused", extra={"refund": str(refund_id)})
        async with transaction(pool, caller) as unit:
            await _postpone(unit, refund_id, now, error)
            await _set_status(unit, refund, "failed", None, clock())
        return
    reached("sent")
    async with transaction(pool, caller) as unit:
        order = await service.lock(unit, refund.order_id)
        payment = await _payment(unit, order.id, str(refund.payment_id))
        sent = await _refund(unit, refund_id)
        if answer.status == "succeeded":
            await _done(unit, order, payment, sent, answer.reference, clock())
        elif sent.status == "due":  # else a notice was faster
            status = "sent" if answer.status == "pending" else "failed"
            await _set_status(unit, sent, status, answer.reference, clock())


async def _done(
    unit: Unit, order: Order, payment: Payment, refund: Refund, reference: str | None, at: datetime
) -> None:
    """The money is back: once, whoever says so. A full refund ends what the order gave."""
    if refund.status == "succeeded":
        return
    await _set_status(unit, refund, "succeeded", reference, at)
    if payment.status == "succeeded":
        amount = refund.amount_minor
        order = await unit.need(
            Order, SQL["refund_order"], "order", id=order.id, amount_minor=amount
        )
        if order.status == "refunded":
            await _leave(unit, order)
    event = OrderRefunded(
        **service.ids(order),
        refund_id=str(refund.id),
        amount_minor=refund.amount_minor,
        refunded_minor=order.refunded_minor,
        currency=order.currency,
        full=order.status == "refunded",
    )
    unit.emit(event, source=SOURCE)


async def _leave(unit: Unit, order: Order) -> None:
    """Out of the course or its queue, unless it is completed: that is not taken back."""
    if order.enrollment_id is None:
        return  # it was not the order that led into the course
    course_id, user_id = order.course_id, order.user_id
    who = {"course_id": course_id, "user_id": user_id}
    under_way = await unit.value(SQL["enrollment_under_way"], **who)
    emitted = len(unit.events)
    try:
        async with unit.cursor.connection.transaction():
            if under_way is not None:
                await enrollments.drop(unit, under_way, Leaving())
            else:
                await enrollments.stop_waiting(unit, course_id, user_id)
    except Rejected as error:
        del unit.events[emitted:]
        log.info("refunded, not dropped", extra={"order": str(order.id), "why": error.message})


async def _refund_of(unit: Unit, payment: Payment, notice: Notice) -> Refund:
    if notice.refund_id is not None:
        refund = await _refund(unit, notice.refund_id)
        if refund.payment_id != payment.id:
            raise NotFound(f"payment {payment.id} has no refund {notice.refund_id}")
        return refund
    reference = notice.refund_reference
    known = await unit.one(
        Refund, SQL["refund_by_reference"], payment_id=payment.id, reference=reference
    )
    if known is not None:
        return known
    if payment.received_minor - await _refunded(unit, payment) < notice.amount_minor:
        raise Conflict(f"payment {payment.id} has less than that left")
    amount = notice.amount_minor
    return await create_refund(
        unit, payment, amount, "at_provider", status="sent", reference=reference
    )


async def _set_status(
    unit: Unit, refund: Refund, status: str, reference: str | None, at: datetime
) -> None:
    values = {"status": status, "reference": reference, "at": at}
    await unit.execute(SQL["set_refund_status"], id=refund.id, **values)


async def _postpone(unit: Unit, refund_id: UUID, until: datetime, error: LearnstreamError) -> None:
    await unit.execute(SQL["postpone_refund"], id=refund_id, until=until, error=error.message)


async def _refund(unit: Unit, id_: object) -> Refund:
    return await unit.need(Refund, SQL["refund"], f"refund {id_}", id=id_)


async def _payment(unit: Unit, order_id: object, payment_id: str | None) -> Payment:
    """The payment that is to be refunded, which is the one that paid the order unless named."""
    rows = await unit.all(Payment, SQL["payments_of_order"], order_id=order_id)
    for row in rows:
        if payment_id is None and row.status == "succeeded":
            return row
        if payment_id is not None and str(row.id) == payment_id:
            return row
    if payment_id is None:
        raise Conflict(f"order {order_id} was not paid")
    raise NotFound(f"order {order_id} has no payment {payment_id}")


async def _refunded(unit: Unit, payment: Payment) -> int:
    return int(await unit.value(SQL["refunded_of_payment"], payment_id=payment.id))


def now() -> datetime:
    return datetime.now(UTC)
