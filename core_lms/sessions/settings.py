"""How people prove who they are, and for how long: ``LMS_SESSIONS_*``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from core_lms.session_store.store import StoreSettings
from stack.http import HttpSettings


class SessionSettings(StoreSettings):
    """Durations carry their unit; the defaults of Argon2id are those OWASP recommends."""

    argon2_memory_kib: int = Field(default=19_456, ge=8_192)
    argon2_passes: int = Field(default=2, ge=1)
    argon2_lanes: int = Field(default=1, ge=1)
    """Parameters of new hashes; an older hash is renewed when its owner next logs in."""
    hashing_at_once: int = Field(default=2, ge=1)
    """Passwords checked at the same time, each in its own thread."""
    hashing_queue: int = Field(default=200, ge=0)
    """Checks that may wait for one of those; further ones are answered with 503."""

    password_min_length: int = Field(default=10, ge=8, le=64)

    free_failures: int = Field(default=5, ge=1)
    """Wrong passwords of an account before its next try has to wait."""
    free_failures_of_address: int = Field(default=50, ge=1)
    """The same for everything tried from one network address (a school is one address)."""
    first_wait_s: float = Field(default=1.0, gt=0)
    """Doubles with each further failure …"""
    longest_wait_s: float = Field(default=900.0, gt=0)
    """… up to this."""

    link_url: str = Field(default_factory=lambda: f"{HttpSettings().lms_url}/account")
    """The page that mailed links lead to; it gets the secret in its fragment."""
    verify_link_hours: float = Field(default=72.0, gt=0)
    reset_link_hours: float = Field(default=1.0, gt=0)
    sign_in_link_minutes: float = Field(default=30.0, gt=0)
    """Of `learnstream sign-in` and the demo."""

    demo_mark: Path | None = None
    """Where this file is, and we listen on loopback only, an administrator may act as an invented
    learner. Only the local supervisor sets it; only `learnstream demo` makes the file."""

    def demo(self) -> bool:
        """Whether this is the local demo, asked anew each time."""
        return self.demo_mark is not None and HttpSettings().is_loopback and self.demo_mark.exists()


@cache
def settings() -> SessionSettings:
    return SessionSettings()
