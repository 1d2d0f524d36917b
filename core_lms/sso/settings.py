"""Single sign-on: ``LMS_SSO_*``."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SsoSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LMS_SSO_", frozen=True)

    plain_http: bool = False
    """Whether providers may be reached without TLS. For a provider on one's own machine; over a
    network, whoever listens could be anybody."""
    allow_private: bool = False
    """Whether providers may be on a network of our own: a campus login behind the firewall. Whoever
    administers an institution could then have us connect to what else stands there."""
    timeout_s: float = Field(default=5.0, gt=0)
    """A provider that has not answered by then is away (503)."""
    attempt_s: int = Field(default=600, ge=30)
    """How long somebody may take at the provider."""
    metadata_s: float = Field(default=3600.0, gt=0)
    """How long a provider's description is believed."""
    keys_again_s: float = Field(default=30.0, gt=0)
    """An unknown key has the provider's keys reread, at most so often."""
    leeway_s: int = Field(default=60, ge=0)
    """How far the provider's clock may be from ours."""


@cache
def settings() -> SsoSettings:
    return SsoSettings()
