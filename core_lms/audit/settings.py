"""Where the heads of the audit log are kept outside the database."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile


class AuditSettings(BaseSettings):
    """``LMS_AUDIT_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_AUDIT_", frozen=True)

    heads: Path = Field(default_factory=lambda: profile().run / "audit" / "heads")
    """A file that heads are appended to, one ``position:hash`` per line; better on another machine
    or on a disk that can only be appended to."""
    heads_every_s: float = 10.0
    """How often at most: what was cut off since the last one kept is not noticed."""
    seal_every_s: float = 0.5
