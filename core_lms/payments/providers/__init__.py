"""Payment providers: one file each, or a third party's by entry point; what they must do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlencode

from contracts.errors import Misconfigured, Rejected
from core_lms.payments.settings import PaymentSettings
from core_lms.plugins import Point, plugins


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment that somebody is about to make."""

    payment_id: str
    order_id: str
    institution_id: str
    amount_minor: int
    currency: str
    title: str
    """What is bought, for the provider's page."""
    return_url: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The provider's side of it: its reference, and the page where the person pays."""

    reference: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class Back:
    """Money that is to go back."""

    refund_id: str
    payment_id: str
    institution_id: str
    charge: str
    """What the provider called the payment in its notice."""
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the provider answered: after ``pending`` comes a notice."""

    reference: str
    status: Literal["succeeded", "pending", "failed"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message from a provider whose signature is right."""

    event_id: str
    kind: Literal["succeeded", "failed", "refunded", "refund_failed"]
    amount_minor: int
    currency: str
    institution_id: str | None = None
    payment_id: str | None = None
    """Ours, as the provider repeats them; None where it names the charge only."""
    charge: str | None = None
    refund_id: str | None = None
    """Ours; None for a refund that somebody made on the provider's own pages."""
    refund_reference: str | None = None


class Provider(Protocol):
    """Takes money. Every call that creates or charges repeats harmlessly under the id given."""

    def check(self) -> None:
        """Raises ``Misconfigured`` for a setting or secret that is missing."""

    def takes(self, amount_minor: int, currency: str) -> None:
        """Raises ``Rejected`` for an amount or currency it cannot charge."""

    async def open(self, intent: Intent) -> Opened:
        """Prepare the payment; raises ``Retryable`` while the provider is away."""

    async def refund(self, back: Back) -> Returned:
        """Send money back; raises ``Retryable`` while the provider is away."""

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notice | None:
        """The notice in a request to our webhook; None: of no interest.

        Raises ``Forbidden`` where the signature is not right or older than the tolerance.
        """


POINT = Point[Provider](
    "learnstream.payment_providers",
    Provider,
    Path(__file__).parent,
    attribute="provider",
    about="who takes money for orders",
)


def enabled() -> dict[str, Provider]:
    """The providers that ``LMS_PAYMENTS_PROVIDERS`` names; raises ``Misconfigured``."""
    known, wanted = plugins(POINT), PaymentSettings().names
    for name in wanted:
        if name not in known:
            raise Misconfigured(
                f"LMS_PAYMENTS_PROVIDERS names {name!r}; there is {', '.join(sorted(known))}",
                setting="LMS_PAYMENTS_PROVIDERS",
            )
        known[name].check()
    return {name: known[name] for name in wanted}


def provider(name: str) -> Provider:
    """One that may be used; raises ``Rejected`` naming those that may."""
    found = enabled()
    if name not in found:
        names = ", ".join(sorted(found)) or "none"
        raise Rejected(f"provider: {name} takes no payments here; enabled: {names}")
    return found[name]


def return_url(order_id: str) -> str:
    base = PaymentSettings().return_url
    return f"{base}{'&' if '?' in base else '?'}{urlencode({'order_id': order_id})}"
