"""Our own HTTP processes: where each listens."""

from __future__ import annotations

from collections.abc import Generator
from ipaddress import ip_address

import httpx
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured
from stack import tls
from stack.profile import profile
from stack.secrets import secret, variable_of

LMS_PORT, SERVING_PORT, DASHBOARDS_PORT = 18000, 18010, 18020
"""Of a stack without an offset (``LMS_LOCAL_PORT_OFFSET``)."""


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
    lms_port: int = Field(default_factory=lambda: profile().port(LMS_PORT))
    serving_port: int = Field(default_factory=lambda: profile().port(SERVING_PORT))
    dashboards_port: int = Field(default_factory=lambda: profile().port(DASHBOARDS_PORT))

    inbox_port: int = Field(default_factory=lambda: profile().port(18030))
    monitor_port: int = Field(default_factory=lambda: profile().port(18040))
    """Health and metrics of the LMS's background consumers."""

    pages_url: str | None = None
    """Where browsers reach the pages, if not where the dashboards listen: the address of a proxy
    (``https://learn.example.org``)."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches our processes."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def lms_url(self) -> str:
        return f"{tls.scheme('http')}://{self.lms_host}:{self.lms_port}"

    @property
    def serving_url(self) -> str:
        return f"{tls.scheme('http')}://{self.serving_host}:{self.serving_port}"

    @property
    def pages_address(self) -> str:
        """What browsers open."""
        return (self.pages_url or self.dashboards_url).rstrip("/")

    @property
    def dashboards_url(self) -> str:
        return f"{tls.scheme('http')}://{self.dashboards_host}:{self.dashboards_port}"


def service_key(service: str) -> str:
    """What one of our services shows the LMS: the secret ``service-key-<service>``.

    Setup makes it (``./learnstream setup``). Raises ``Misconfigured`` where it has not.
    """
    name = f"service-key-{service}"

    def absent() -> str:
        raise Misconfigured(
            f"{service} has no key for the LMS: run ./learnstream setup or set {variable_of(name)}",
            setting=variable_of(name),
        )

    return secret(name, absent)


class ServiceAuth(httpx.Auth):
    """``httpx`` authentication of a service; a key that was rotated is read again."""

    def __init__(self, service: str) -> None:
        self._service, self._key = service, ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._key = self._key or service_key(self._service)
        request.headers["Authorization"] = f"Bearer {self._key}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            newer = service_key(self._service)
            if newer != self._key:
                self._key = newer
                request.headers["Authorization"] = f"Bearer {newer}"
                yield request
