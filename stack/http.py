"""Our own HTTP processes: where each listens."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile


class HttpSettings(BaseSettings):
    """``LMS_HTTP_*``; all listen on loopback unless ``host`` says otherwise.

    ``…_host`` is where the others reach one, which in containers is not where it listens.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_HTTP_", frozen=True)

    host: str = "127.0.0.1"
    lms_host: str = "127.0.0.1"
    serving_host: str = "127.0.0.1"
    dashboards_host: str = "127.0.0.1"
    lms_port: int = Field(default_factory=lambda: profile().port(18000))
    serving_port: int = Field(default_factory=lambda: profile().port(18010))
    dashboards_port: int = Field(default_factory=lambda: profile().port(18020))

    @property
    def lms_url(self) -> str:
        return f"http://{self.lms_host}:{self.lms_port}"

    @property
    def serving_url(self) -> str:
        return f"http://{self.serving_host}:{self.serving_port}"

    @property
    def dashboards_url(self) -> str:
        return f"http://{self.dashboards_host}:{self.dashboards_port}"
