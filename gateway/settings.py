"""Access tokens and the keys that sign them: ``LMS_ACCESS_*``."""

from __future__ import annotations

from functools import cache

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LONGEST_LIFETIME_S = 3600
"""No token is made to live longer: marks of ended sessions and superseded keys wait for so long."""


class AccessSettings(BaseSettings):
    """Equal in all processes of an installation: what one issues the others accept."""

    model_config = SettingsConfigDict(env_prefix="LMS_ACCESS_", frozen=True)

    issuer: str = "learnstream"
    audience: str = "learnstream"
    """``iss`` and ``aud`` of our tokens; installations that must not trust each other differ."""
    token_lifetime_s: int = Field(default=600, ge=30, le=LONGEST_LIFETIME_S)
    key_rotation_days: float = Field(default=30.0, gt=0)
    """A key signs for so long; then the next one does."""
    key_lead_s: float = Field(default=3600.0, ge=0)
    """The next key is published so long before it signs, so that everybody has read it by then."""

    @model_validator(mode="after")
    def _lead_within_rotation(self) -> AccessSettings:
        if self.key_lead_s >= self.key_rotation_days * 86_400:
            raise ValueError("key_lead_s must be shorter than key_rotation_days")
        return self


@cache
def settings() -> AccessSettings:
    return AccessSettings()
