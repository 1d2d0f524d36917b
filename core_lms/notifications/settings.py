"""What all ways of notifying people share: ``LMS_NOTIFICATIONS_*``. Each channel has its own."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.http import HttpSettings


class NotificationSettings(BaseSettings):
    """Texts, sending and streams."""

    model_config = SettingsConfigDict(env_prefix="LMS_NOTIFICATIONS_", frozen=True)

    public_url: str = Field(default_factory=lambda: HttpSettings().lms_url)
    """What links in mails begin with, as the world reaches us; over https, or mail programs offer
    no one-click unsubscribing (RFC 8058)."""
    issuer: str = "Learnstream"
    """The name that stands in mails and on pages."""
    language: str = "en"
    """For whoever's profile names no ``language`` that a text is written in."""

    batch: int = Field(default=20, ge=1)
    """Deliveries claimed and sent at once."""
    lease_s: float = Field(default=120.0, gt=0)
    """A sender that died leaves its deliveries to the next one after so long; one that is slower
    than half of it gives up, so two never send the same at once."""
    poll_s: float = Field(default=0.5, gt=0)
    attempts: int = Field(default=12, ge=1)
    """Tries until a delivery is dead: about a day with the pauses below."""
    backoff_min_s: float = Field(default=5.0, gt=0)
    backoff_max_s: float = Field(default=4 * 3600.0, gt=0)
    """The pause doubles from the first to the second."""

    keep_days: int = Field(default=180, ge=1)
    """Older entries are deleted, once nothing of them is still to be sent."""

    stream_heartbeat_s: float = Field(default=15.0, gt=0)
    """A stream polls the database so often even where Redis wakes nobody."""
    stream_minutes: float = Field(default=15.0, gt=0)
    """Then it ends and the browser comes again, with a token that is still good."""


@cache
def settings() -> NotificationSettings:
    return NotificationSettings()
