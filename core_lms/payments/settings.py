"""How payments are taken: ``LMS_PAYMENTS_*``; a provider's own settings are in its file."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.http import HttpSettings
from stack.profile import profile


def may_pretend() -> bool:
    """Whether this is the local stack, reached from this machine only."""
    return profile().supervised and HttpSettings().is_loopback


class PaymentSettings(BaseSettings):
    """Nobody takes money unless somebody is named; the local stack takes pretended money."""

    model_config = SettingsConfigDict(env_prefix="LMS_PAYMENTS_", frozen=True)

    providers: str = Field(default_factory=lambda: "test" if may_pretend() else "")
    """Names of the providers that may be used, separated by commas: ``stripe``. With ``test`` among
    them anybody can have a course without paying, so it is refused outside of the local stack."""
    return_url: str = Field(default_factory=lambda: f"{HttpSettings().lms_url}/docs")
    """Where the provider sends people afterwards; ``order_id`` is added to its query."""
    tolerance_s: int = Field(default=300, ge=1)
    """How old a signed notice may be."""
    timeout_s: float = Field(default=20.0, gt=0)
    """How long a provider may take to answer."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.providers.split(",") if name.strip())
