"""Stripe: checkout sessions and refunds over its HTTP API, notices by its webhook signatures.

The secrets are LMS_SECRET_STRIPE_KEY and LMS_SECRET_STRIPE_WEBHOOK (several, separated by commas,
while one is being rotated). The person pays on Stripe's own page: no card data passes here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured, Rejected, Retryable
from core_lms.payments.currencies import DECIMALS
from core_lms.payments.providers import Back, Intent, Notice, Opened, Returned
from core_lms.payments.providers._signature import verify
from core_lms.payments.settings import PaymentSettings
from gateway.errors import Malformed
from stack.secrets import secret

HEADER = "stripe-signature"

_WITHOUT_DECIMALS = frozenset(
    code
    for code, decimals in DECIMALS.items()
    if code == "MGA" or (decimals == 0 and code not in ("ISK", "UGX"))
)
"""Whose amounts Stripe takes in whole units; MGA has decimals for ISO 4217 and none for Stripe."""
_AMBIGUOUS = frozenset({"UGX"})
"""Stripe's pages name two ways of writing it: we had rather not guess by a factor of a hundred."""

_PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_NOT_PAID = ("checkout.session.async_payment_failed", "checkout.session.expired")
_REFUND = ("refund.created", "refund.updated", "charge.refund.updated")


class StripeSettings(BaseSettings):
    """``LMS_PAYMENTS_STRIPE_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_PAYMENTS_STRIPE_", frozen=True)

    url: str = "https://api.stripe.com"
    version: str = "2024-06-20"
    """The version of Stripe's API whose answers and notices are read."""


def stripe_amount(amount_minor: int, currency: str) -> int:
    """ISO 4217 minor units in Stripe's; raises ``Rejected`` for what Stripe cannot charge."""
    if currency in _AMBIGUOUS:
        raise Rejected(f"currency: {currency} cannot be charged through stripe")
    decimals, theirs = DECIMALS[currency], _decimals(currency)
    if decimals == 3 and amount_minor % 10:
        raise Rejected(f"amount_minor: stripe charges {currency} in steps of ten")
    if theirs >= decimals:
        return amount_minor * _tens(theirs - decimals)
    whole, rest = divmod(amount_minor, _tens(decimals - theirs))
    if rest:
        raise Rejected(f"amount_minor: stripe charges {currency} in whole units")
    return whole


def minor_amount(amount: int, currency: str) -> int:
    """Stripe's units in ISO 4217 minor units."""
    decimals, theirs = DECIMALS[currency], _decimals(currency)
    if theirs > decimals:
        return amount // _tens(theirs - decimals)
    return amount * _tens(decimals - theirs)


def _tens(power: int) -> int:
    return int(10**power)


def _decimals(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    return max(2, DECIMALS[currency])  # ISK: two, for the sake of old integrations


def _needed(name: str) -> str:
    variable = f"LMS_SECRET_{name.upper().replace('-', '_')}"

    def missing() -> str:
        raise Misconfigured(f"the provider stripe needs {variable}", setting=variable)

    return secret(name, missing)


class Stripe:
    """Fulfils ``Provider``."""

    def check(self) -> None:
        _needed("stripe-key")
        _needed("stripe-webhook")

    def takes(self, amount_minor: int, currency: str) -> None:
        stripe_amount(amount_minor, currency)

    async def open(self, intent: Intent) -> Opened:
        ours = {"payment_id": intent.payment_id, "institution_id": intent.institution_id}
        form = {
            "mode": "payment",
            "client_reference_id": intent.payment_id,
            "success_url": intent.return_url,
            "cancel_url": intent.return_url,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": intent.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(
                stripe_amount(intent.amount_minor, intent.currency)
            ),
            "line_items[0][price_data][product_data][name]": intent.title[:250],
            **{f"metadata[{name}]": value for name, value in ours.items()},
            **{f"payment_intent_data[metadata][{name}]": value for name, value in ours.items()},
        }
        made = await _post("/v1/checkout/sessions", form, intent.payment_id)
        return Opened(_text(made, "id"), _text(made, "url"))

    async def refund(self, back: Back) -> Returned:
        form = {
            "payment_intent": back.charge,
            "amount": str(stripe_amount(back.amount_minor, back.currency)),
            "metadata[payment_id]": back.payment_id,
            "metadata[institution_id]": back.institution_id,
            "metadata[refund_id]": back.refund_id,
        }
        made = await _post("/v1/refunds", form, back.refund_id)
        status = made.get("status")
        if status == "succeeded":
            return Returned(_text(made, "id"), "succeeded")
        failed = status in ("failed", "canceled")
        return Returned(_text(made, "id"), "failed" if failed else "pending")

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notice | None:
        keys = [key.strip() for key in _needed("stripe-webhook").split(",") if key.strip()]
        verify(body, headers.get(HEADER), keys, PaymentSettings().tolerance_s, now)
        try:
            event = json.loads(body)
            return _notice(event["id"], event["type"], event["data"]["object"])
        except (ValueError, TypeError, KeyError) as error:
            raise Malformed(f"the notice cannot be read: {type(error).__name__}") from None


def _notice(event_id: str, type_: str, about: dict[str, Any]) -> Notice | None:
    metadata = about.get("metadata") or {}
    ours = {name: metadata.get(name) for name in ("institution_id", "payment_id")}
    if type_ in _PAID or type_ in _NOT_PAID:
        if ours["payment_id"] is None:
            return None  # a session of somebody else's on the same account
        if type_ in _PAID and about["payment_status"] != "paid":
            return None  # another event follows once the money has come
        currency = about["currency"].upper()
        return Notice(
            event_id,
            "succeeded" if type_ in _PAID else "failed",
            minor_amount(int(about["amount_total"]), currency),
            currency,
            charge=about.get("payment_intent"),
            **ours,
        )
    if type_ in _REFUND and about["status"] in ("succeeded", "failed", "canceled"):
        currency = about["currency"].upper()
        return Notice(
            event_id,
            "refunded" if about["status"] == "succeeded" else "refund_failed",
            minor_amount(int(about["amount"]), currency),
            currency,
            charge=about["payment_intent"],
            refund_id=metadata.get("refund_id"),
            refund_reference=about["id"],
            **ours,
        )
    return None


async def _post(path: str, form: dict[str, str], key: str) -> dict[str, Any]:
    settings, timeout_s = StripeSettings(), PaymentSettings().timeout_s
    headers = {
        "Authorization": f"Bearer {_needed('stripe-key')}",
        "Idempotency-Key": key,
        "Stripe-Version": settings.version,
    }
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as http:
            answer = await http.post(f"{settings.url}{path}", data=form, headers=headers)
    except httpx.HTTPError as error:
        raise Retryable(f"stripe does not answer: {type(error).__name__}") from error
    if answer.status_code in (401, 403):
        raise Misconfigured("stripe refuses LMS_SECRET_STRIPE_KEY", setting="LMS_SECRET_STRIPE_KEY")
    if answer.status_code in (409, 429) or answer.status_code >= 500:
        raise Retryable(f"stripe answered {answer.status_code}")
    try:
        said: dict[str, Any] = answer.json()
    except ValueError:
        raise Retryable(f"stripe answered {answer.status_code} without JSON") from None
    if answer.status_code >= 400:
        code = (said.get("error") or {}).get("code") or answer.status_code
        raise Rejected(f"stripe refused: {code}")
    return said


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise Retryable(f"stripe's answer has no {name}")
    return value


provider = Stripe()
