"""Prices of courses, ``/orders``, their payments and refunds, and the providers' notices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Request

from core_lms.courses.resource import Course
from core_lms.payments import paying, refunding, resource, schemas, service
from core_lms.payments.currencies import CurrencyCode
from core_lms.payments.providers import enabled, provider
from core_lms.payments.providers.test import TestProvider
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway.errors import Conflict
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution, Public


@asynccontextmanager
async def _checked(app: FastAPI) -> AsyncIterator[None]:
    """A provider without its secret stops the start, not the first person who pays."""
    enabled()
    yield


router = APIRouter(tags=["payments"], responses=RESPONSES, lifespan=_checked)


@router.post("/courses/{course_id}/prices", status_code=HTTPStatus.CREATED)
async def set_price(
    course_id: UUID,
    body: schemas.NewPrice,
    units: Annotated[Units, action("price.set", keyed=True)],
) -> schemas.Price:
    """Set what a course costs from now on in one currency; emits `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return await service.set_price(unit, course_id, body)


@router.get("/courses/{course_id}/prices")
async def list_prices(
    course_id: UUID, units: Annotated[Units, action("price.list")]
) -> schemas.Prices:
    """List what a course costs; nothing where the list is empty."""
    async with units.begin(Course(course_id)) as unit:
        return schemas.Prices(items=await service.prices(unit, course_id))


@router.delete("/courses/{course_id}/prices/{currency}")
async def retire_price(
    course_id: UUID,
    currency: Annotated[CurrencyCode, Path()],
    units: Annotated[Units, action("price.retire")],
) -> schemas.Price:
    """No longer sell a course in a currency; orders made before keep their price."""
    async with units.begin(Course(course_id)) as unit:
        return await service.retire_price(unit, course_id, currency)


@router.post("/orders", status_code=HTTPStatus.CREATED)
async def create_order(
    body: schemas.NewOrder, units: Annotated[Units, action("order.create", keyed=True)]
) -> schemas.Order:
    """Order a course for a learner; emits `order.created`."""
    async with units.begin(resource.Purchase(body.course_id, body.user_id)) as unit:
        return await service.order(unit, body)


@router.get("/orders", response_model=Page[schemas.Order])
async def list_orders(
    units: Annotated[Units, action("order.list")],
    window: InWindow,
    status: Annotated[schemas.OrderStatus | None, Query()] = None,
    attention: Annotated[
        bool, Query(description="only paid orders that did not lead into the course")
    ] = False,
) -> dict[str, Any]:
    """List the orders of the institution, oldest first."""
    async with units.begin(Institution()) as unit:
        return await service.page(unit, window, None, status, attention)


@router.get("/users/{user_id}/orders", response_model=Page[schemas.Order])
async def list_user_orders(
    user_id: UUID, units: Annotated[Units, action("order.list")], window: InWindow
) -> dict[str, Any]:
    """List the orders for a learner, oldest first."""
    async with units.begin(Person(user_id)) as unit:
        return await service.page(unit, window, user_id)


@router.get("/orders/{order_id}")
async def get_order(order_id: UUID, units: Annotated[Units, action("order.read")]) -> schemas.Order:
    """Read one order."""
    async with units.begin(resource.Order(order_id)) as unit:
        return await service.get(unit, order_id)


@router.post("/orders/{order_id}/cancel")
async def cancel_order(
    order_id: UUID, units: Annotated[Units, action("order.cancel")]
) -> schemas.Order:
    """Give up an order nobody has paid; emits `order.cancelled` the first time."""
    async with units.begin(resource.Order(order_id)) as unit:
        return await service.cancel(unit, order_id)


@router.post("/orders/{order_id}/payments", status_code=HTTPStatus.CREATED)
async def create_payment(
    order_id: UUID,
    body: schemas.NewPayment,
    units: Annotated[Units, action("payment.create", keyed=True)],
) -> schemas.Payment:
    """Begin to pay an order; send the person to `redirect_url`."""
    async with units.begin(resource.Order(order_id)) as unit:
        payment = await paying.begin(unit, order_id, body)
        intent = await paying.intent(unit, payment)
    if payment.redirect_url is None:
        opened = await provider(payment.provider).open(intent)
        async with units.begin(resource.Order(order_id)) as unit:
            payment = await paying.opened(unit, payment.id, opened.reference, opened.redirect_url)
    return payment


@router.get("/orders/{order_id}/payments")
async def list_payments(
    order_id: UUID, units: Annotated[Units, action("payment.list")]
) -> schemas.Payments:
    """List all attempts to pay an order."""
    async with units.begin(resource.Order(order_id)) as unit:
        return schemas.Payments(items=await paying.of_order(unit, order_id))


@router.get("/payments/{payment_id}")
async def get_payment(
    payment_id: UUID, units: Annotated[Units, action("payment.read")]
) -> schemas.Payment:
    """Read one payment."""
    async with units.begin(resource.Payment(payment_id)) as unit:
        return await paying.get(unit, payment_id)


@router.post("/payments/{payment_id}/simulation", response_model=schemas.NoticeTaken)
async def simulate_payment(
    payment_id: UUID, body: schemas.Simulation, units: Annotated[Units, action("payment.simulate")]
) -> dict[str, str]:
    """Pretend that money came, or did not, at the provider `test`."""
    async with units.begin(resource.Payment(payment_id)) as unit:
        row = await paying.get(unit, payment_id)
        intent = await paying.intent(unit, row)
    pretender = provider(row.provider)
    if not isinstance(pretender, TestProvider):
        raise Conflict(f"payment {payment_id} is made with {row.provider}, not with test")
    headers, notice = pretender.notice(intent, body.outcome)
    return {"outcome": await paying.notified(units.pool, "test", headers, notice)}


@router.post("/orders/{order_id}/refunds", status_code=HTTPStatus.CREATED)
async def create_refund(
    order_id: UUID,
    body: schemas.NewRefund,
    units: Annotated[Units, action("refund.create", keyed=True)],
) -> schemas.Refund:
    """Send money back, all or part of an order; `order.refunded` is emitted once the provider has
    done it.
    """
    async with units.begin(resource.Order(order_id)) as unit:
        return await refunding.request(unit, order_id, body)


@router.get("/orders/{order_id}/refunds")
async def list_refunds(
    order_id: UUID, units: Annotated[Units, action("refund.list")]
) -> schemas.Refunds:
    """List all refunds of an order."""
    async with units.begin(resource.Order(order_id)) as unit:
        return schemas.Refunds(items=await refunding.of_order(unit, order_id))


@router.post("/payments/notices/{provider_name}", response_model=schemas.NoticeTaken)
async def receive_payment_notice(
    provider_name: Annotated[schemas.ProviderName, Path()],
    request: Request,
    units: Annotated[Units, action("payment.notify")],
) -> dict[str, str]:
    """Take a payment provider's webhook; signed by the provider, done once however often it
    comes."""
    async with units.begin(Public()):
        pass  # anybody may knock; the signature decides
    body = await request.body()
    return {"outcome": await paying.notified(units.pool, provider_name, request.headers, body)}
