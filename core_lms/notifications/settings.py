"""How people are told: ``LMS_NOTIFICATIONS_*``."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.http import HttpSettings


class NotificationSettings(BaseSettings):
    """Mail goes out where ``smtp_host`` is set; web push goes to the push services named here."""

    model_config = SettingsConfigDict(env_prefix="LMS_NOTIFICATIONS_", frozen=True)

    public_url: str = Field(default_factory=lambda: HttpSettings().lms_url)
    """What links in mails begin with, as the world reaches us; over https, or mail programs offer
    no one-click unsubscribing (RFC 8058)."""
    issuer: str = "Learnstream"
    """The name that stands in mails."""
    language: str = "en"
    """For whoever's profile names no ``language`` that a text is written in."""

    smtp_host: str = ""
    """Empty: there is no mail, and what would have been one is marked as dropped."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` is for a relay on the same machine: names and addresses would travel readable."""
    smtp_ca_file: str | None = None
    """Certificates to trust instead of the system's."""
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_timeout_s: float = Field(default=20.0, gt=0)
    mail_from: str = "learnstream@localhost"
    """The sender's address; its domain is that of the Message-IDs."""

    push_services: str = (
        "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
    )
    """Hosts a browser may name as its push service, separated by commas; `*.` allows what is below.
    We post to the address a person gives us: without the list, to any machine we can reach."""
    push_contact: str = "mailto:learnstream@localhost"
    """Whom a push service writes to (VAPID ``sub``)."""
    push_ttl_s: int = Field(default=24 * 3600, ge=0)
    push_timeout_s: float = Field(default=15.0, gt=0)

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
    """A stream looks at the database so often even where Redis wakes nobody."""
    stream_minutes: float = Field(default=15.0, gt=0)
    """Then it ends and the browser comes again, with a token that is still good."""


@cache
def settings() -> NotificationSettings:
    return NotificationSettings()
