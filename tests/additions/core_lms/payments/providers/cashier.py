"""Cash at a desk, which reports it: ``LMS_CASHIER_PAGE``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured
from core_lms.payments.providers import Back, Intent, Notice, Opened, Returned


class CashierSettings(BaseSettings):
    """The provider's own."""

    model_config = SettingsConfigDict(env_prefix="LMS_CASHIER_", frozen=True)

    page: str = ""


class Cashier:
    """Fulfils ``Provider``."""

    def check(self) -> None:
        if not CashierSettings().page:
            raise Misconfigured("LMS_CASHIER_PAGE is not set", setting="LMS_CASHIER_PAGE")

    def takes(self, amount_minor: int, currency: str) -> None:
        """Takes everything."""

    async def open(self, intent: Intent) -> Opened:
        return Opened(intent.payment_id, CashierSettings().page)

    async def refund(self, back: Back) -> Returned:
        return Returned(back.refund_id, "succeeded")

    def read(self, headers: Mapping[str, str], body: bytes, now: float) -> Notice | None:
        return None


provider = Cashier()
