"""Who a process is to the servers it uses: one name and one password, the least rights everywhere.

Kafka (SASL), PostgreSQL (role) and Redis (ACL user) know the same names. ``LMS_PRINCIPAL`` says who
this process is; whoever starts a process sets it (the supervisor here, compose, a cluster). A
command typed by a person is the operator's.
"""

from __future__ import annotations

from secrets import token_urlsafe
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured
from stack.secrets import secret

OPERATOR = "operator"
"""Makes topics, tables and the other principals; owns the tables."""

READER = "reader"
"""What an operator reads with: everything, and writes nothing."""

PRINCIPALS = (
    OPERATOR,
    READER,
    "lms",
    "relay",
    "inbox",
    "archive",
    "derive",
    "monitor",
    "live",
    "features",
    "flink",
    "serving",
    "dashboards",
    "analyst",
)
"""``analyst`` reads the analytical database (Grafana, the analytics API) and nothing else."""


class PrincipalSettings(BaseSettings):
    """``LMS_PRINCIPAL``."""

    model_config = SettingsConfigDict(frozen=True)

    principal: str = Field(default=OPERATOR, validation_alias="LMS_PRINCIPAL")

    @field_validator("principal")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in PRINCIPALS:
            raise Misconfigured(
                f"LMS_PRINCIPAL is {name!r}: choose from {', '.join(PRINCIPALS)}",
                setting="LMS_PRINCIPAL",
            )
        return name


def current() -> str:
    """The principal of this process."""
    return PrincipalSettings().principal


def application() -> str:
    """Who the LMS is to its database: this process, or for a command of the operator ``lms``."""
    name = current()
    return "lms" if name == OPERATOR else name


def password(principal: str) -> str:
    """``LMS_SECRET_PRINCIPAL_<NAME>``, or what was made at the first start on this machine."""
    return secret(f"principal-{principal}", lambda: token_urlsafe(24))


def with_login(url: str, principal: str) -> str:
    """An address that names nobody, with the principal's name and password; any other as it is."""
    scheme, separator, rest = url.partition("://")
    if not separator or urlsplit(url).username is not None or urlsplit(url).password is not None:
        return url
    return f"{scheme}://{principal}:{quote(password(principal), safe='')}@{rest}"
