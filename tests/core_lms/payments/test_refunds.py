"""Money back: in parts, at once, killed in the middle, late; never more than was paid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.payments.failpoint import VARIABLE
from stack.profile import REPOSITORY

pytestmark = pytest.mark.integration


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


def refund(till: Any, order: dict[str, Any], amount: int | None = None, **more: Any) -> Any:
    body = {} if amount is None else {"amount_minor": amount}
    return till.lms.post(f"/orders/{order['id']}/refunds", body, **more)


def refunds(till: Any, order: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = till.lms.get(f"/orders/{order['id']}/refunds").json()["items"]
    return found


def test_a_full_refund_ends_the_order_and_leaves_the_course(till: Any, send_due: Any) -> None:
    course_id, learner = till.course(), till.lms.user()
    order = till.paid(course_id, user_id=learner)
    made = refund(till, order)
    assert (made.status_code, made.json()["status"]) == (201, "due")
    assert till.get(order)["status"] == "paid", "until the money is back"
    send_due()
    after = till.get(order)
    assert (after["status"], after["refunded_minor"]) == ("refunded", 4900)
    assert [one["status"] for one in till.enrolled(learner)] == ["dropped"]
    emitted = till.emitted(order)[-1]
    assert (emitted["type"], emitted["full"], emitted["amount_minor"]) == (
        "order.refunded",
        True,
        4900,
    )
    till.paid(course_id, user_id=learner)
    assert [one["status"] for one in till.enrolled(learner)] == ["dropped", "enrolled"]


def test_parts_add_up_to_what_was_paid_and_not_more(till: Any, send_due: Any) -> None:
    order = till.paid()
    assert refund(till, order, 2000).status_code == 201
    refused(refund(till, order, 2901), 409, "2900 of 4900 EUR")
    send_due()
    after = till.get(order)
    assert (after["status"], after["refunded_minor"]) == ("paid", 2000)
    assert till.enrolled(order["user_id"])[0]["status"] == "enrolled"
    assert refund(till, order).json()["amount_minor"] == 2900
    refused(refund(till, order), 409, "0 of 4900 EUR")
    send_due()
    emitted = [event for event in till.emitted(order) if event["type"] == "order.refunded"]
    assert [(e["refunded_minor"], e["full"]) for e in emitted] == [(2000, False), (4900, True)]


def test_refunds_asked_for_at_once_do_not_exceed_what_was_paid(till: Any, send_due: Any) -> None:
    order = till.paid()
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: refund(till, order, 2000).status_code, range(6)))
    assert sorted(answers) == [201, 201, 409, 409, 409, 409]
    send_due()
    assert till.get(order)["refunded_minor"] == 4000


def test_the_same_refund_asked_for_again_is_made_once(till: Any) -> None:
    order, key = till.paid(), new_id()
    answers = [refund(till, order, 1000, key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert len(refunds(till, order)) == 1


def test_what_was_not_paid_is_not_refunded_and_learners_refund_nothing(till: Any) -> None:
    order = till.order(till.course())
    refused(refund(till, order), 409, "was not paid")
    paid = till.paid()
    ana = till.lms.person(paid["user_id"])
    assert ana.post(f"/orders/{paid['id']}/refunds", {}).status_code == 403
    refused(till.lms.post(f"/orders/{paid['id']}/refunds", {"payment_id": new_id()}), 404, "no pay")


def test_a_completed_course_stays_completed_when_the_money_goes_back(
    till: Any, send_due: Any
) -> None:
    course_id, learner = till.lms.course(published=False), till.lms.user()
    item_id = till.lms.item(course_id, "page")
    till.lms.post(f"/courses/{course_id}/publish")
    till.lms.made(f"/courses/{course_id}/prices", {"currency": "EUR", "amount_minor": 100})
    order = till.paid(course_id, user_id=learner)
    body = {"event_type": "content.completed", "user_id": learner}
    till.lms.made(f"/courses/{course_id}/items/{item_id}/events", body)
    refund(till, order)
    send_due()
    assert till.get(order)["status"] == "refunded"
    assert [one["status"] for one in till.enrolled(learner)] == ["completed"]
    assert "enrollment.dropped" not in till.lms.types()


SEND_DUE = """
import asyncio, sys
from datetime import UTC, datetime
from core_lms.payments.refunding import send_due
from stack.postgres import PostgresSettings, pool

async def main():
    async with pool(PostgresSettings().app_url) as database:
        await send_due(database, lambda: datetime.now(UTC))

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["leased", "sent"])
def test_a_refund_killed_in_the_middle_is_sent_again_under_the_same_name(
    till: Any, send_due: Any, step: str
) -> None:
    send_due(timedelta(hours=1))  # what other tests left
    order = till.paid()
    assert refund(till, order).status_code == 201
    died = subprocess.run(
        [sys.executable, "-c", SEND_DUE], cwd=REPOSITORY, env={**os.environ, VARIABLE: step}
    )
    assert died.returncode == -9
    assert send_due() == 0, "it is leased to the dead process for a while"
    assert refunds(till, order)[0]["status"] == "due"
    assert send_due(timedelta(minutes=3)) == 1
    assert send_due(timedelta(minutes=9)) == 0
    assert [(one["status"], one["attempts"]) for one in refunds(till, order)] == [("succeeded", 2)]
    assert [event["type"] for event in till.emitted(order)].count("order.refunded") == 1


NOTIFY = """
import asyncio, json, sys
from core_lms.payments.paying import notified
from stack.postgres import PostgresSettings, pool

async def main():
    headers, body = json.loads(sys.argv[1])
    async with pool(PostgresSettings().app_url) as database:
        await notified(database, "test", headers, body.encode())

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["claimed", "paid"])
def test_a_notice_killed_in_the_middle_left_nothing_and_is_done_when_it_comes_again(
    till: Any, step: str
) -> None:
    order = till.order(till.course())
    headers, body = till.notice(till.payment(order))
    argument = json.dumps([headers, body.decode()])
    command = [sys.executable, "-c", NOTIFY, argument]
    died = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, VARIABLE: step})
    assert died.returncode == -9
    assert till.get(order)["status"] == "open"
    assert till.enrolled(order["user_id"]) == []
    assert [event["type"] for event in till.emitted(order)] == ["order.created"]
    assert till.send(headers, body).json() == {"outcome": "done"}
    assert till.get(order)["status"] == "paid"
    assert len(till.enrolled(order["user_id"])) == 1
    assert till.lms.types().count("order.paid") == 1


def test_who_still_waits_for_a_seat_waits_no_longer_once_the_money_is_back(
    till: Any, send_due: Any
) -> None:
    course_id = till.course()
    version = till.lms.get(f"/courses/{course_id}").headers["etag"]
    headers = {"If-Match": version}
    changed = till.lms.call("PATCH", f"/courses/{course_id}", json={"capacity": 1}, headers=headers)
    assert changed.status_code == 200, changed.text
    first, second = till.paid(course_id), till.paid(course_id)
    place = f"/courses/{course_id}/waitlist/{second['user_id']}"
    assert till.lms.get(place).json()["id"] == second["enrollment_id"]
    refund(till, second)
    send_due()
    assert till.lms.get(place).status_code == 404
    assert till.enrolled(first["user_id"])[0]["status"] == "enrolled"
    assert till.lms.types()[-2:] == ["enrollment.waitlist.left", "order.refunded"]
