"""An order of Ana's, half paid, in a course of its own: a price would shut the others out."""

from __future__ import annotations

from typing import Any


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    course_id = lms.course()
    lms.made(f"/courses/{course_id}/prices", {"currency": "EUR", "amount_minor": 4900})
    order = lms.made("/orders", {"user_id": ids["user_id"], "course_id": course_id})
    payment = lms.made(f"/orders/{order['id']}/payments", {"provider": "test"})
    return {
        "order_id": order["id"],
        "payment_id": payment["id"],
        "currency": "EUR",
        "provider_name": "test",
    }
