"""Who may make an account: ``LMS_USERS_*``."""

from __future__ import annotations

from functools import cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class UserSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LMS_USERS_", frozen=True)

    self_registration: bool = False
    """Whether strangers may register as students by ``POST /api/v1/registrations``; otherwise only
    administrators, imports and single sign-on make accounts."""


@cache
def settings() -> UserSettings:
    return UserSettings()
