"""Where files of courses lie and how large they may be."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile


class ContentSettings(BaseSettings):
    """``LMS_CONTENT_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_CONTENT_", frozen=True)

    storage: str = "local"
    """A file of ``core_lms/content/storage``: ``local`` (a folder) or ``s3``."""
    folder: Path = Field(default_factory=lambda: profile().run / "media")
    """For ``local``. Several machines need a shared one, or ``s3``."""
    s3_bucket: str = ""
    s3_endpoint: str = ""
    """Empty: AWS itself; else any server with the same interface, as in ``http://minio:9000``."""
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    """Empty: the machine's own role, or the usual ``AWS_*`` variables."""
    s3_secret_key: SecretStr = SecretStr("")
    max_bytes: int = Field(default=2 * 1024**3, ge=1)
    """The longest file taken, in bytes."""
    link_s: int = Field(default=4 * 3600, ge=60, le=7 * 24 * 3600)
    """How long the address of a file is good, in seconds: as long as one watches a lecture."""
    waiting_h: int = Field(default=24, ge=1)
    """After so many hours an announced file without bytes, or bytes without a file, is removed."""
