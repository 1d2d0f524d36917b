"""Ordering and paying a course with the provider that takes pretended money."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.payments.currencies import DECIMALS, spelled
from core_lms.payments.providers import _signature as signature
from core_lms.payments.providers.test import HEADER, _secret

pytestmark = pytest.mark.integration


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


def test_a_paid_order_leads_into_the_course_in_one_step(till: Any) -> None:
    course_id, learner = till.course(), till.lms.user()
    ana = till.lms.person(learner)
    enroll = f"/courses/{course_id}/enrollments"
    refused(ana.post(enroll, {"user_id": learner}), 402, "/api/v1/orders")
    order = ana.made("/orders", {"user_id": learner, "course_id": course_id})
    assert (order["status"], order["display"]) == ("open", "49.00 EUR")
    payment = ana.made(f"/orders/{order['id']}/payments", {"provider": "test"})
    assert payment["status"] == "open"
    assert payment["redirect_url"].endswith(f"/payments/{payment['id']}/simulation")
    refused(ana.post(enroll, {"user_id": learner}), 402, "costs something")
    page = f"/payments/{payment['id']}/simulation"
    assert ana.post(page, {"outcome": "succeeded"}).json() == {"outcome": "done"}
    order = ana.get(f"/orders/{order['id']}").json()
    [enrollment] = till.enrolled(learner)
    assert (order["status"], order["enrollment_id"]) == ("paid", enrollment["id"])
    assert till.lms.types()[-3:] == ["order.created", "enrollment.created", "order.paid"]
    paid = till.emitted(order)[-1]
    assert (paid["amount_minor"], paid["currency"], paid["provider"]) == (4900, "EUR", "test")


def test_the_same_order_and_payment_asked_for_again_are_made_once(till: Any) -> None:
    course_id, learner = till.course(), till.lms.user()
    body, key = {"user_id": learner, "course_id": course_id}, new_id()
    first = till.lms.post("/orders", body, key=key)
    again = till.lms.post("/orders", body, key=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    path, key = f"/orders/{key}/payments", new_id()
    payments = [till.lms.post(path, {"provider": "test"}, key=key) for _ in range(2)]
    assert [answer.status_code for answer in payments] == [201, 200]
    assert len(till.lms.get(path).json()["items"]) == 1
    assert till.lms.types().count("order.created") == 1


def test_a_learner_has_one_standing_order_of_a_course(till: Any) -> None:
    course_id, learner = till.course(), till.lms.user()
    order = till.order(course_id, learner)
    body = {"user_id": learner, "course_id": course_id}
    refused(till.lms.post("/orders", body), 409, order["id"])
    assert till.lms.post(f"/orders/{order['id']}/cancel").json()["status"] == "cancelled"
    assert till.lms.post(f"/orders/{order['id']}/cancel").status_code == 200
    till.paid(course_id, user_id=learner)
    refused(till.lms.post("/orders", body), 409, "already")
    assert till.lms.types().count("order.cancelled") == 1


def test_orders_made_at_once_become_one(till: Any) -> None:
    body = {"user_id": till.lms.user(), "course_id": till.course()}
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: till.lms.post("/orders", body), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert till.lms.types().count("order.created") == 1


def test_an_order_keeps_the_price_it_was_made_with(till: Any) -> None:
    course_id = till.course(amount_minor=1000)
    order = till.order(course_id)
    till.lms.made(f"/courses/{course_id}/prices", {"currency": "EUR", "amount_minor": 2000})
    assert till.payment(order)["amount_minor"] == 1000
    assert till.order(course_id)["amount_minor"] == 2000
    [price] = till.lms.get(f"/courses/{course_id}/prices").json()["items"]
    assert price["display"] == "20.00 EUR"


def test_a_course_with_several_prices_asks_for_the_currency(till: Any) -> None:
    course_id, learner = till.course("EUR", 4900), till.lms.user()
    till.lms.made(f"/courses/{course_id}/prices", {"currency": "JPY", "amount_minor": 7800})
    body = {"user_id": learner, "course_id": course_id}
    refused(till.lms.post("/orders", body), 422, "EUR, JPY")
    refused(till.lms.post("/orders", {**body, "currency": "USD"}), 422, "EUR, JPY")
    order = till.order(course_id, learner, currency="JPY")
    assert (order["amount_minor"], order["display"]) == (7800, "7800 JPY")


def test_a_course_without_a_price_is_entered_without_an_order(till: Any) -> None:
    course_id, learner = till.lms.course(), till.lms.user()
    body = {"user_id": learner, "course_id": course_id}
    refused(till.lms.post("/orders", body), 422, "costs nothing")
    till.lms.enrollment(course_id, learner)
    other = till.course()
    assert till.lms.call("DELETE", f"/courses/{other}/prices/EUR").status_code == 200
    refused(till.lms.call("DELETE", f"/courses/{other}/prices/EUR"), 404, "no price")
    till.lms.enrollment(other, learner)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"currency": "EUR", "amount_minor": 0}, "amount_minor"),
        ({"currency": "EUR", "amount_minor": 12.5}, "amount_minor"),
        ({"currency": "EUR", "amount_minor": 2**31}, "amount_minor"),
        ({"currency": "eur", "amount_minor": 100}, "currency"),
        ({"currency": "XXX", "amount_minor": 100}, "ISO 4217"),
    ],
)
def test_a_price_is_a_whole_number_of_minor_units_in_a_currency(
    till: Any, body: dict[str, Any], words: str
) -> None:
    answer = till.lms.post(f"/courses/{till.lms.course()}/prices", body)
    refused(answer, 422, words)


def test_an_amount_is_written_with_its_currency_s_decimals() -> None:
    assert spelled(1250, "EUR") == "12.50 EUR"
    assert spelled(5, "USD") == "0.05 USD"
    assert spelled(1250, "JPY") == "1250 JPY"
    assert spelled(1250, "KWD") == "1.250 KWD"
    assert all(len(code) == 3 and code.isupper() for code in DECIMALS)


def test_a_notice_that_comes_again_changes_nothing(till: Any) -> None:
    order = till.order(till.course())
    notice = till.notice(till.payment(order))
    answers = [till.send(*notice).json()["outcome"] for _ in range(3)]
    assert answers == ["done", "repeated", "repeated"]
    assert [event["type"] for event in till.emitted(order)] == ["order.created", "order.paid"]
    assert len(till.enrolled(order["user_id"])) == 1


def test_one_notice_in_many_copies_at_once_is_done_once(till: Any) -> None:
    order = till.order(till.course())
    notice = till.notice(till.payment(order))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: till.send(*notice).json()["outcome"], range(8)))
    assert sorted(answers) == ["done"] + ["repeated"] * 7
    assert till.lms.types().count("order.paid") == 1
    assert len(till.enrolled(order["user_id"])) == 1


def test_an_order_paid_twice_at_once_is_enrolled_once_and_the_second_payment_goes_back(
    till: Any, send_due: Any
) -> None:
    order = till.order(till.course())
    notices = [till.notice(till.payment(order)) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda notice: till.send(*notice).json()["outcome"], notices))
    assert answers == ["done"] * 4
    statuses = [
        p["status"] for p in till.lms.get(f"/orders/{order['id']}/payments").json()["items"]
    ]
    assert sorted(statuses) == ["succeeded", "surplus", "surplus", "surplus"]
    assert till.lms.types().count("order.paid") == 1
    assert len(till.enrolled(order["user_id"])) == 1
    assert send_due() >= 3
    refunds = till.lms.get(f"/orders/{order['id']}/refunds").json()["items"]
    assert [(refund["status"], refund["amount_minor"]) for refund in refunds] == [
        ("succeeded", 4900)
    ] * 3
    after = till.get(order)
    assert (after["status"], after["refunded_minor"]) == ("paid", 0)
    emitted = [event for event in till.emitted(order) if event["type"] == "order.refunded"]
    assert [(event["full"], event["refunded_minor"]) for event in emitted] == [(False, 0)] * 3


def test_money_for_a_cancelled_order_goes_back_and_opens_nothing(till: Any, send_due: Any) -> None:
    order = till.order(till.course())
    payment = till.payment(order)
    till.lms.post(f"/orders/{order['id']}/cancel")
    assert till.notify(payment).json() == {"outcome": "done"}
    assert till.get(order)["status"] == "cancelled"
    assert till.enrolled(order["user_id"]) == []
    send_due()
    [refund] = till.lms.get(f"/orders/{order['id']}/refunds").json()["items"]
    assert (refund["status"], refund["reason"]) == ("succeeded", "order_cancelled")


def test_a_failure_told_after_the_success_does_not_undo_it(till: Any) -> None:
    order = till.order(till.course())
    first, second = till.payment(order), till.payment(order)
    assert till.notify(first, "failed").json() == {"outcome": "done"}
    assert till.get(order)["status"] == "open"
    till.notify(second, "succeeded")
    till.notify(second, "failed")
    assert till.lms.get(f"/payments/{second['id']}").json()["status"] == "succeeded"
    assert till.get(order)["status"] == "paid"


def test_another_amount_than_asked_for_is_flagged_and_opens_nothing(till: Any) -> None:
    order = till.order(till.course())
    for wrong in ({"amount_minor": 1}, {"currency": "USD"}):
        payment = till.payment(order)
        till.notify(payment, **wrong)
        assert till.lms.get(f"/payments/{payment['id']}").json()["status"] == "flagged"
    assert till.get(order)["status"] == "open"
    assert till.enrolled(order["user_id"]) == []


def test_a_paid_order_that_cannot_lead_into_the_course_is_shown_to_staff(till: Any) -> None:
    course_id, learner = till.course(), till.lms.user()
    order = till.order(course_id, learner)
    payment = till.payment(order)
    till.lms.post(f"/courses/{course_id}/archive")
    assert till.notify(payment).json() == {"outcome": "done"}
    [shown] = till.lms.get("/orders", attention=True).json()["items"]
    assert (shown["id"], shown["status"]) == (order["id"], "paid")
    assert "archived" in shown["not_enrolled"]
    assert "order.paid" in till.lms.types()
    assert "enrollment.created" not in till.lms.types()


def test_a_notice_is_believed_only_with_the_right_signature(till: Any) -> None:
    order = till.order(till.course())
    headers, body = till.notice(till.payment(order))
    at = int(time.time())
    for forged in (
        {},
        {HEADER: "v1=00"},
        {HEADER: f"t={at}"},
        {HEADER: f"t=soon,{headers[HEADER].split(',')[1]}"},
        {HEADER: signature.sign(body, "another secret", at)},
        {HEADER: signature.sign(body + b" ", _secret(), at)},
        {HEADER: signature.sign(body, _secret(), at - 301)},
        {HEADER: signature.sign(body, _secret(), at + 900)},
    ):
        assert till.send(forged, body).status_code == 403
    assert till.get(order)["status"] == "open"
    several = f"{headers[HEADER]},v1={'0' * 64}"
    assert till.send({HEADER: several}, body).json() == {"outcome": "done"}


def test_a_notice_for_another_institution_s_payment_finds_nothing(till: Any) -> None:
    order = till.order(till.course())
    payment = till.payment(order)
    answer = till.notify(payment, institution_id=new_id())
    assert answer.status_code == 404
    assert till.get(order)["status"] == "open"


def test_an_unknown_provider_is_refused_with_those_there_are(till: Any) -> None:
    order = till.order(till.course())
    path = f"/orders/{order['id']}/payments"
    refused(till.lms.post(path, {"provider": "cowrie"}), 422, "enabled: test")
    refused(till.send({}, b"{}", provider="stripe"), 422, "enabled: test")


def test_a_guardian_orders_and_pays_for_the_child_and_a_stranger_does_not(till: Any) -> None:
    course_id, child, parent = till.course(), till.lms.user(), till.lms.user()
    till.lms.database.execute(
        "INSERT INTO guardians (guardian_id, learner_id, verified_at, institution_id) "
        "VALUES (%s, %s, now(), %s)",
        [parent, child, till.lms.institution_id],
    )
    body = {"user_id": child, "course_id": course_id}
    stranger = till.lms.person(till.lms.user())
    assert stranger.post("/orders", body).status_code == 403
    order = till.lms.person(parent).made("/orders", body)
    assert stranger.get(f"/orders/{order['id']}").status_code == 403
    assert till.lms.elsewhere().get(f"/orders/{order['id']}").status_code == 404
    till.notify(
        till.lms.person(parent).made(f"/orders/{order['id']}/payments", {"provider": "test"})
    )
    assert len(till.enrolled(child)) == 1


def test_a_copied_course_costs_what_its_source_costs(till: Any) -> None:
    source = till.course("EUR", 4900)
    till.lms.made(f"/courses/{source}/prices", {"currency": "JPY", "amount_minor": 7800})
    till.lms.call("DELETE", f"/courses/{source}/prices/JPY")
    copy = till.lms.made(f"/courses/{source}/copy", {})
    prices = till.lms.get(f"/courses/{copy['id']}/prices").json()["items"]
    assert [price["display"] for price in prices] == ["49.00 EUR"]
