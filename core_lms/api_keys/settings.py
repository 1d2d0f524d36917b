"""How long API keys count: ``LMS_API_KEYS_*``."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiKeySettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LMS_API_KEYS_", frozen=True)

    lifetime_days: float = Field(default=90.0, gt=0)
    """Of a key that is made without a word about its end."""
    longest_lifetime_days: float = Field(default=365.0, gt=0)
    """A later end is refused: who still needs the machine makes it a new key."""


@cache
def settings() -> ApiKeySettings:
    return ApiKeySettings()
