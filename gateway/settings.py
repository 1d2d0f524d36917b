"""Access tokens and their keys (``LMS_ACCESS_*``); what a connection and a request may be
(``LMS_HTTP_*``).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stack.http import HttpSettings

LONGEST_LIFETIME_S = 3600
"""No token is made to live longer: marks of ended sessions and superseded keys wait for so long."""


class AccessSettings(BaseSettings):
    """Equal in all processes of an installation: what one issues the others accept."""

    model_config = SettingsConfigDict(env_prefix="LMS_ACCESS_", frozen=True)

    issuer: str = "learnstream"
    audience: str = "learnstream"
    """``iss`` and ``aud`` of our tokens; installations that must not trust each other differ."""
    token_lifetime_s: int = Field(default=600, ge=30, le=LONGEST_LIFETIME_S)
    key_rotation_days: float = Field(default=30.0, gt=0)
    """A key signs for so long; then the next one does."""
    key_lead_s: float = Field(default=3600.0, ge=0)
    """The next key is published so long before it signs, so that everybody has read it by then."""

    @model_validator(mode="after")
    def _lead_within_rotation(self) -> AccessSettings:
        if self.key_lead_s >= self.key_rotation_days * 86_400:
            raise ValueError("key_lead_s must be shorter than key_rotation_days")
        return self


@cache
def settings() -> AccessSettings:
    return AccessSettings()


ANY_ADDRESS = {"0.0.0.0", "::"}
"""Where one may listen, but nobody's name: some browsers take it for loopback."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(name.strip() for name in value.split(",") if name.strip())


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class FrontSettings(BaseSettings):
    """``LMS_HTTP_*`` of every HTTP process; where each listens is in ``stack.http``."""

    model_config = SettingsConfigDict(env_prefix="LMS_HTTP_", frozen=True)

    allowed_hosts: Names = ()
    """Names (``lms.example.org,api.example.org``) under which browsers and proxies ask for us,
    besides loopback and the configured hosts; any other ``Host`` is refused."""
    cors_origins: Names = ()
    """Origins (``https://app.example.org``) whose pages may call us from a browser."""
    header_timeout_s: float = Field(default=10.0, gt=0)
    """From the opening of a connection, or the first byte of a further request, until its headers
    are complete."""
    body_timeout_s: float = Field(default=20.0, gt=0)
    """How long a body may take, plus the time its bytes need at ``body_min_bytes_per_s``."""
    body_min_bytes_per_s: float = Field(default=1_000.0, gt=0)
    max_connections: int = Field(default=2_000, ge=1)
    """Of one process; one more is answered with 503 and closed."""
    keep_alive_s: float = Field(default=5.0, gt=0)
    """A connection without a request is closed after so long."""

    @field_validator("cors_origins")
    @classmethod
    def _named(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            scheme, separator, host = origin.partition("://")
            if (
                scheme not in ("https", "http")
                or not separator
                or not host
                or set(host) & set("/*")
            ):
                raise ValueError(f"{origin!r} is no origin: write it as https://app.example.org")
        return origins

    @property
    def hosts(self) -> frozenset[str]:
        """Every name under which this process may be asked, in lower case."""
        http = HttpSettings()
        configured = (http.host, http.lms_host, http.serving_host, http.dashboards_host)
        names = (*LOOPBACK, *configured, *self.allowed_hosts)
        return frozenset(name.strip("[]").lower() for name in names) - ANY_ADDRESS
