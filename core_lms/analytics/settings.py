"""Where panels are and how they are asked: ``LMS_ANALYTICS_*``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import REPOSITORY


class AnalyticsSettings(BaseSettings):
    """The panels are files, published by the package that owns them."""

    model_config = SettingsConfigDict(env_prefix="LMS_ANALYTICS_", frozen=True)

    panels: Path = REPOSITORY / "dashboards"
    """Folder of the dashboards: ``<dashboard>/<panel>.sql``."""
    connections: int = Field(default=4, ge=1)
    """To the analytical database, per process: panels asked at once wait for each other."""
    timeout_s: float = Field(default=5.0, gt=0)
    most_rows: int = Field(default=5000, ge=1)
