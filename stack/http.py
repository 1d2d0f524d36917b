"""Our own HTTP processes: where each listens."""

from __future__ import annotations

from ipaddress import ip_address
from secrets import token_urlsafe

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile
from stack.secrets import secret


class HttpSettings(BaseSettings):
    """``LMS_HTTP_*``; all listen on loopback unless ``host`` says otherwise.

    ``…_host`` is where the others reach one, which in containers is not where it listens.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_HTTP_", frozen=True)

    host: str = "127.0.0.1"
    lms_host: str = "127.0.0.1"
    serving_host: str = "127.0.0.1"
    dashboards_host: str = "127.0.0.1"
    lms_workers: int = Field(default=1, ge=1)
    """Processes that answer for the LMS on its port; each has a connection pool of its own."""
    lms_port: int = Field(default_factory=lambda: profile().port(18000))
    serving_port: int = Field(default_factory=lambda: profile().port(18010))
    dashboards_port: int = Field(default_factory=lambda: profile().port(18020))

    inbox_port: int = Field(default_factory=lambda: profile().port(18030))
    monitor_port: int = Field(default_factory=lambda: profile().port(18040))
    """Health and metrics of the LMS's background consumers."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches our processes."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def lms_url(self) -> str:
        return f"http://{self.lms_host}:{self.lms_port}"

    @property
    def serving_url(self) -> str:
        return f"http://{self.serving_host}:{self.serving_port}"

    @property
    def dashboards_url(self) -> str:
        return f"http://{self.dashboards_host}:{self.dashboards_port}"


def service_key() -> str:
    """What serving and the dashboards show the LMS: the secret ``service-key``."""
    return secret("service-key", lambda: token_urlsafe(32))


def service_headers(institution_id: str) -> dict[str, str]:
    """The headers of our own processes' requests to the LMS."""
    return {"Authorization": f"Bearer {service_key()}", "X-Institution-Id": institution_id}
