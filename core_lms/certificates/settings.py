"""Certificates: ``LMS_CERTIFICATES_*``."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.http import HttpSettings


class CertificateSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LMS_CERTIFICATES_", frozen=True)

    public_url: str = Field(default_factory=lambda: f"{HttpSettings().lms_url}/certificates")
    """What the public links begin with, as the world reaches them."""
    issuer: str = "Learnstream"
    """Who stands on the page as the issuer: the installation's name."""


@cache
def settings() -> CertificateSettings:
    return CertificateSettings()
