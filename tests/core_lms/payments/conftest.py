"""Courses that cost something, and what the providers say of the money."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from core_lms.payments import refunding
from core_lms.payments.providers import Intent
from core_lms.payments.providers.test import provider as pretender
from stack.postgres import PostgresSettings, pool


@dataclass
class Till:
    """A shop in one institution."""

    lms: Any

    def course(self, currency: str = "EUR", amount_minor: int = 4900) -> str:
        course_id = str(self.lms.course())
        body = {"currency": currency, "amount_minor": amount_minor}
        self.lms.made(f"/courses/{course_id}/prices", body)
        return course_id

    def order(self, course_id: str, user_id: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"user_id": user_id or self.lms.user(), "course_id": course_id, **more}
        made: dict[str, Any] = self.lms.made("/orders", body)
        return made

    def payment(self, order: dict[str, Any], provider: str = "test") -> dict[str, Any]:
        made: dict[str, Any] = self.lms.made(
            f"/orders/{order['id']}/payments", {"provider": provider}
        )
        return made

    def paid(self, course_id: str | None = None, **more: Any) -> dict[str, Any]:
        """An order that was paid, as it is afterwards."""
        order = self.order(course_id or self.course(), **more)
        assert self.notify(self.payment(order)).json() == {"outcome": "done"}
        return self.get(order)

    def get(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.lms.get(f"/orders/{order['id']}").json()
        return found

    def notice(
        self, payment: dict[str, Any], outcome: Any = "succeeded", **more: Any
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notice signed as the provider ``test`` signs."""
        intent = Intent(
            payment_id=payment["id"],
            order_id=payment["order_id"],
            institution_id=more.pop("institution_id", self.lms.institution_id),
            amount_minor=more.pop("amount_minor", payment["amount_minor"]),
            currency=more.pop("currency", payment["currency"]),
            title="",
            return_url="",
        )
        return pretender.notice(intent, outcome, more.pop("event_id", None))

    def send(self, headers: dict[str, str], body: bytes, provider: str = "test") -> Any:
        """To our webhook, as a provider does: no token, no tenant."""
        headers = {"Content-Type": "application/json", **headers}
        path = f"/api/v1/payments/notices/{provider}"
        return self.lms.http.post(path, content=body, headers=headers)

    def notify(self, payment: dict[str, Any], outcome: str = "succeeded", **more: Any) -> Any:
        return self.send(*self.notice(payment, outcome, **more))

    def enrolled(self, user_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.lms.get(f"/users/{user_id}/enrollments").json()["items"]
        return found

    def emitted(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Payloads of the events about an order, in order, with their types."""
        return [
            {"type": event["event_type"], **event["payload"]}
            for event in self.lms.events()
            if event["payload"].get("order_id") == order["id"]
        ]


@pytest.fixture
def till(lms: Any) -> Till:
    return Till(lms)


def on_pool(act: Callable[[AsyncConnectionPool[Any]], Awaitable[Any]]) -> Any:
    """Run with a pool of the application's role."""

    async def run() -> Any:
        async with pool(PostgresSettings().app_url) as database:
            return await act(database)

    return asyncio.run(run())


@pytest.fixture
def send_due(stack: Any) -> Callable[..., int]:
    """Send the refunds that are due, ``later`` than now; returns how many were tried."""

    def send_due(later: timedelta = timedelta()) -> int:
        clock = lambda: datetime.now(UTC) + later  # noqa: E731
        return int(on_pool(lambda database: refunding.send_due(database, clock)))

    return send_due
