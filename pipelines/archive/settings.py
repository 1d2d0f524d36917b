"""Settings of the archive."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ArchiveSettings(BaseSettings):
    """``LMS_ARCHIVE_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_ARCHIVE_", frozen=True)

    max_dead_letters: int = Field(default=100_000, ge=0)
    """With more unresolved dead letters than this the archive stops instead of adding to them: then
    a producer is broken, and a person has to decide."""
    retention_days: int | None = Field(default=None, ge=60)
    """How long events stay in ``activity_events``; None: for ever. ``pipelines.derive`` drops whole
    chunks of 30 days; derived rows stay. Rows of older days cannot be rebuilt, and an event that
    late is derived without the learner's other events of its time: ADR 10."""
