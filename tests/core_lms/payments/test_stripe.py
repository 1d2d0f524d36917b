"""Stripe: what is sent to its API, and what its notices do."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.errors import Misconfigured, Rejected
from contracts.ids import new_id
from core_lms.app import create_app
from core_lms.payments.providers import _signature as signature
from core_lms.payments.providers.stripe import HEADER, minor_amount, stripe_amount

pytestmark = pytest.mark.integration

OLD, NEW = "whsec_the_old_one", "whsec_the_new_one"


def _server() -> Any:
    path = Path(__file__).with_name("stripe_server.py")
    spec = importlib.util.spec_from_file_location("stripe_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.StripeServer()


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = _server()
    monkeypatch.setenv("LMS_PAYMENTS_PROVIDERS", "stripe, test")
    monkeypatch.setenv("LMS_PAYMENTS_STRIPE_URL", server.url)
    monkeypatch.setenv("LMS_SECRET_STRIPE_KEY", "sk_test_local")
    monkeypatch.setenv("LMS_SECRET_STRIPE_WEBHOOK", f"{NEW},{OLD}")
    yield server
    server.close()


def event(till: Any, type_: str, about: dict[str, Any], **more: Any) -> Any:
    """Send a notice as Stripe does."""
    body = json.dumps(
        {"id": more.get("id", f"evt_{new_id()}"), "type": type_, "data": {"object": about}}
    ).encode()
    header = signature.sign(body, more.get("secret", NEW), int(time.time()))
    return till.send({HEADER: header}, body, provider="stripe")


def session(till: Any, payment: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A checkout session that somebody has paid."""
    return {
        "object": "checkout.session",
        "payment_status": "paid",
        "payment_intent": f"pi_{payment['id']}",
        "amount_total": payment["amount_minor"],
        "currency": payment["currency"].lower(),
        "metadata": {"payment_id": payment["id"], "institution_id": till.lms.institution_id},
        **more,
    }


def paid(till: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    order = till.order(till.course())
    payment = till.payment(order, "stripe")
    answer = event(till, "checkout.session.completed", session(till, payment))
    assert answer.json() == {"outcome": "done"}
    return till.get(order), payment


def test_a_checkout_session_is_made_under_the_payment_s_id(till: Any, stripe: Any) -> None:
    order = till.order(till.course("JPY", 7800))
    payment = till.payment(order, "stripe")
    assert payment["redirect_url"].startswith(f"{stripe.url}/c/pay/cs_test_")
    [(path, headers, form)] = stripe.requests
    assert path == "/v1/checkout/sessions"
    assert headers["idempotency-key"] == payment["id"]
    assert headers["authorization"] == "Bearer sk_test_local"
    assert form["line_items[0][price_data][unit_amount]"] == "7800"
    assert form["line_items[0][price_data][currency]"] == "jpy"
    assert form["metadata[payment_id]"] == payment["id"]
    assert form["payment_intent_data[metadata][institution_id]"] == till.lms.institution_id
    assert not [name for name in form if "card" in name or "email" in name]


def test_while_stripe_is_away_the_same_request_is_repeated_and_one_session_made(
    till: Any, stripe: Any
) -> None:
    order, key = till.order(till.course()), new_id()
    path = f"/orders/{order['id']}/payments"
    stripe.failures = [500, 429]
    for _ in range(2):
        assert till.lms.post(path, {"provider": "stripe"}, key=key).status_code == 503
    answers = [till.lms.post(path, {"provider": "stripe"}, key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {headers["idempotency-key"] for _, headers, _ in stripe.requests} == {key}
    assert (len(stripe.requests), stripe.made("/v1/checkout/sessions")) == (3, 1)


def test_a_paid_session_enrolls_once_however_it_is_told(till: Any, stripe: Any) -> None:
    order = till.order(till.course())
    payment = till.payment(order, "stripe")
    about = session(till, payment, payment_status="unpaid")
    assert event(till, "checkout.session.completed", about).json()["outcome"] == "ignored"
    assert till.get(order)["status"] == "open"
    about = session(till, payment)
    for type_ in ("checkout.session.async_payment_succeeded", "checkout.session.completed"):
        assert event(till, type_, about).json()["outcome"] == "done"
    event(till, "checkout.session.expired", about)
    assert till.get(order)["status"] == "paid"
    assert len(till.enrolled(order["user_id"])) == 1
    assert till.lms.types().count("order.paid") == 1


def test_both_webhook_secrets_are_right_while_one_is_rotated(
    till: Any, stripe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = till.order(till.course())
    about = session(till, till.payment(order, "stripe"))
    for secret in (OLD, NEW):
        assert event(till, "checkout.session.completed", about, secret=secret).status_code == 200
    monkeypatch.setenv("LMS_SECRET_STRIPE_WEBHOOK", NEW)
    assert event(till, "checkout.session.completed", about, secret=OLD).status_code == 403


def test_what_is_not_ours_on_the_account_is_acknowledged_and_left_alone(
    till: Any, stripe: Any
) -> None:
    about = {"payment_status": "paid", "amount_total": 1, "currency": "eur", "metadata": {}}
    assert event(till, "checkout.session.completed", about).json()["outcome"] == "ignored"
    assert event(till, "customer.created", {"id": "cus_1"}).json()["outcome"] == "ignored"
    assert event(till, "checkout.session.completed", {"odd": 1}).json()["outcome"] == "ignored"
    broken = session(till, {"id": new_id(), "amount_minor": "x", "currency": "EUR"})
    assert event(till, "checkout.session.completed", broken).status_code == 400


def test_a_refund_is_sent_once_and_done_when_stripe_says_so(
    till: Any, stripe: Any, send_due: Any
) -> None:
    send_due(timedelta(hours=1))  # what other tests left
    order, payment = paid(till)
    stripe.refund_status, stripe.failures = "pending", [500]
    made = till.lms.made(f"/orders/{order['id']}/refunds", {"amount_minor": 900})
    send_due()
    send_due(timedelta(minutes=5))
    sent = [request for request in stripe.requests if request[0] == "/v1/refunds"]
    assert [headers["idempotency-key"] for _, headers, _ in sent] == [made["id"]] * 2
    assert sent[0][2]["payment_intent"] == f"pi_{payment['id']}"
    assert sent[0][2]["amount"] == "900"
    [refund] = till.lms.get(f"/orders/{order['id']}/refunds").json()["items"]
    assert (refund["status"], till.get(order)["refunded_minor"]) == ("sent", 0)
    about = {
        "id": f"re_{new_id()}",
        "status": "succeeded",
        "amount": 900,
        "currency": "eur",
        "payment_intent": f"pi_{payment['id']}",
        "metadata": {
            "payment_id": payment["id"],
            "institution_id": till.lms.institution_id,
            "refund_id": made["id"],
        },
    }
    for type_ in ("refund.updated", "charge.refund.updated"):
        assert event(till, type_, about).json() == {"outcome": "done"}
    assert till.get(order)["refunded_minor"] == 900
    assert till.lms.types().count("order.refunded") == 1


def test_a_refund_made_on_stripe_s_own_pages_is_seen_once_and_never_above_what_was_paid(
    till: Any, stripe: Any
) -> None:
    order, payment = paid(till)
    about = {
        "id": f"re_{new_id()}",
        "status": "succeeded",
        "amount": 4900,
        "currency": "eur",
        "payment_intent": f"pi_{payment['id']}",
        "metadata": {},
    }
    for type_ in ("refund.created", "refund.updated"):
        assert event(till, type_, about).json() == {"outcome": "done"}
    assert (till.get(order)["status"], till.get(order)["refunded_minor"]) == ("refunded", 4900)
    assert till.lms.types().count("order.refunded") == 1
    assert event(till, "refund.created", {**about, "id": f"re_{new_id()}"}).status_code == 409
    unknown = {**about, "payment_intent": "pi_of_somebody_else"}
    assert event(till, "refund.created", unknown).json() == {"outcome": "ignored"}


@pytest.mark.parametrize(
    ("minor", "currency", "theirs"),
    [
        (1250, "EUR", 1250),
        (1250, "JPY", 1250),
        (1250, "KWD", 1250),
        (1250, "ISK", 125_000),
        (12_500, "MGA", 125),
    ],
)
def test_amounts_are_told_in_stripe_s_units(minor: int, currency: str, theirs: int) -> None:
    assert stripe_amount(minor, currency) == theirs
    assert minor_amount(theirs, currency) == minor


@pytest.mark.parametrize(("minor", "currency"), [(1251, "KWD"), (12_550, "MGA"), (500, "UGX")])
def test_what_stripe_cannot_charge_is_refused_before_the_order_is_paid(
    minor: int, currency: str
) -> None:
    with pytest.raises(Rejected, match=currency):
        stripe_amount(minor, currency)


def test_a_provider_without_its_secret_or_unknown_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LMS_PAYMENTS_PROVIDERS", "stripe")
    with pytest.raises(Misconfigured, match="LMS_SECRET_STRIPE_KEY"), TestClient(create_app()):
        pass
    monkeypatch.setenv("LMS_PAYMENTS_PROVIDERS", "cowrie")
    with pytest.raises(Misconfigured, match=r"cowrie.*stripe, test"), TestClient(create_app()):
        pass
