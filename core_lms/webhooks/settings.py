"""How other systems get events: ``LMS_WEBHOOKS_*``."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebhookSettings(BaseSettings):
    """With the defaults a message is tried 12 times within a day and a half."""

    model_config = SettingsConfigDict(env_prefix="LMS_WEBHOOKS_", frozen=True)

    allow_private: bool = False
    """Post to addresses of our own network, too, and without TLS. Who may make a webhook could then
    reach what stands behind our firewall: only where nobody else can be an administrator."""
    attempts: int = Field(default=12, ge=1)
    first_wait_s: float = Field(default=5.0, gt=0)
    factor: float = Field(default=3.0, ge=1)
    longest_wait_s: float = Field(default=12 * 3600.0, gt=0)
    jitter: float = Field(default=0.2, ge=0, lt=1)
    """Waits differ by this share, so that messages that failed together do not come together."""
    timeout_s: float = Field(default=15.0, gt=0)
    """From connecting to the last byte of the answer."""
    concurrency: int = Field(default=16, ge=1)
    of_each: int = Field(default=4, ge=1)
    """Messages under way to one address: one that hangs must not keep the others waiting."""
    disable_after_hours: float = Field(default=120.0, gt=0)
    """Failing for so long without a single success, an address is disabled."""
    keep_delivered_days: int = Field(default=7, ge=0)
    keep_dead_days: int = Field(default=30, ge=0)

    @property
    def lease(self) -> timedelta:
        """How long a message is one process's: killed meanwhile, another sends it again."""
        return timedelta(seconds=2 * self.timeout_s + 30)
