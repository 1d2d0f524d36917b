"""Settings of the monitor: ``LMS_MONITOR_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MonitorSettings(BaseSettings):
    """``LMS_MONITOR_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_MONITOR_", frozen=True)

    heartbeat_every_s: float = Field(default=5.0, ge=0)
    """Pause between two heartbeats through outbox, Kafka, archive and derivation; 0: none."""
    heartbeats_kept_days: int = Field(default=14, ge=1)
    """How long what was measured stays in ``commit_to_row``."""
