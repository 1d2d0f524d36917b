"""Settings of the archive."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ArchiveSettings(BaseSettings):
    """``LMS_ARCHIVE_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_ARCHIVE_", frozen=True)

    max_dead_letters: int = Field(default=100_000, ge=0)
    """With more than so many unresolved dead letters the archive stops instead of adding to them:
    then a producer is broken, and what it means is not for a machine to guess."""
    retention_days: int | None = Field(default=None, ge=60)
    """How long events stay in ``activity_events``, read by ``pipelines.derive``; None: for ever.
    Whole chunks of 30 days go, derived rows stay. Of older days no rows can be made again, and an
    event that late meets no others: ADR 10."""
