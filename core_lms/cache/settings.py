"""How long answers are kept: ``LMS_CACHE_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CacheSettings(BaseSettings):
    """Without Redis, or switched off, everything is read from Postgres."""

    model_config = SettingsConfigDict(env_prefix="LMS_CACHE_", frozen=True)

    enabled: bool = True
    ttl_s: float = Field(default=60.0, gt=0)
    """The longest an answer outlives what it was made of, should every invalidation be lost."""
    timeout_s: float = Field(default=0.25, gt=0)
    retry_after_s: float = Field(default=1.0, gt=0)
    """A Redis that was away is left alone for so long."""
    seen_every_s: float = Field(default=10.0, gt=0)
    """How often last-seen times are written; a process that is killed loses those of so long."""
