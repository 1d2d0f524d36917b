"""Pretended money: the whole flow on one machine, with notices signed as a real provider's are.

``POST /payments/{id}/simulation`` is its payment page. It is the default of the local stack and is
refused everywhere else: with it anybody can have a course without paying.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Literal

from contracts.errors import Misconfigured
from contracts.ids import named_id, new_id
from core_lms.payments.providers import Back, Intent, Notice, Opened, Returned
from core_lms.payments.providers._signature import sign, verify
from core_lms.payments.settings import PaymentSettings, may_pretend
from gateway.errors import Malformed
from stack.http import HttpSettings
from stack.secrets import secret

HEADER = "test-signature"
Outcome = Literal["succeeded", "failed"]


def _secret() -> str:
    return secret("payments-test", lambda: secrets.token_hex(32))


class TestProvider:
    """Fulfils ``Provider``; its charges are named after the payments."""

    __test__ = False  # not a test, whatever its name looks like

    def check(self) -> None:
        if not may_pretend():
            raise Misconfigured(
                "LMS_PAYMENTS_PROVIDERS names 'test', which takes pretended money: only the local "
                "stack on a loopback address may; name stripe, or nobody",
                setting="LMS_PAYMENTS_PROVIDERS",
            )
        _secret()

    def takes(self, amount_minor: int, currency: str) -> None:
        """Takes everything."""

    async def open(self, intent: Intent) -> Opened:
        page = f"{HttpSettings().lms_url}/api/v1/payments/{intent.payment_id}/simulation"
        return Opened(f"test_{named_id('test-payment', intent.payment_id)}", page)

    async def refund(self, back: Back) -> Returned:
        return Returned(f"test_{named_id('test-refund', back.refund_id)}", "succeeded")

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notice | None:
        verify(body, headers.get(HEADER), [_secret()], PaymentSettings().tolerance_s, now)
        try:
            return Notice(**json.loads(body))
        except (ValueError, TypeError) as error:
            raise Malformed(f"the notice cannot be read: {type(error).__name__}") from None

    def notice(
        self, intent: Intent, outcome: Outcome, event_id: str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of the notice that a payment page would cause."""
        body = json.dumps(
            {
                "event_id": event_id or f"test_{new_id()}",
                "kind": outcome,
                "amount_minor": intent.amount_minor,
                "currency": intent.currency,
                "institution_id": intent.institution_id,
                "payment_id": intent.payment_id,
                "charge": f"test_{intent.payment_id}",
            }
        ).encode()
        return {HEADER: sign(body, _secret(), int(time.time()))}, body


provider = TestProvider()
