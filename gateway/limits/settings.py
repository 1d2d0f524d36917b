"""How much is allowed to whom: ``LMS_LIMITS_*``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_rate = re.compile(r"(\d{1,7})/(s|min|h) burst (\d{1,7})")
_SECONDS = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of ``burst`` tokens into which ``per_s`` drip."""

    per_s: float
    burst: int

    @property
    def token_us(self) -> int:
        """Microseconds until one more token."""
        return max(1, round(1_000_000 / self.per_s))

    @property
    def window_s(self) -> int:
        """Seconds after which an empty bucket is full again."""
        return max(1, round(self.burst / self.per_s))


def _read_rate(value: Any) -> Any:
    if value == "off" or value is None:
        return None
    if isinstance(value, Rate):
        return value
    found = _rate.fullmatch(str(value))
    if found is None or int(found[1]) == 0 or int(found[3]) == 0:
        raise ValueError(f"{value!r} is no rate: write it as '20/s burst 100', '30/min burst 60'")
    return Rate(int(found[1]) / _SECONDS[found[2]], int(found[3]))


def _read_networks(value: Any) -> Any:
    names = value.replace(" ", "").split(",") if isinstance(value, str) else value
    return tuple(ip_network(name) for name in names if name)


Allowance = Annotated[Rate | None, BeforeValidator(_read_rate)]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_read_networks)
]


class LimitSettings(BaseSettings):
    """``LMS_LIMITS_*``; a rate is written ``20/s burst 100`` (or ``/min``, ``/h``), or ``off``."""

    model_config = SettingsConfigDict(env_prefix="LMS_LIMITS_", frozen=True, validate_default=True)

    read: Allowance = Rate(50, 200)
    """GET and HEAD, per person."""
    write: Allowance = Rate(20, 100)
    """Everything that changes something, per person."""
    machine: Allowance = Rate(1_000, 4_000)
    """All requests of one machine's key."""
    anonymous: Allowance = Rate(20, 100)
    """Requests without credentials, per address."""
    login: Allowance = Rate(1, 60)
    """Attempts at a password or a link, per address, besides ``anonymous``: a class may log in at
    the same moment behind one address, a list of stolen passwords is not tried there."""
    address: Allowance = Rate(3_000, 12_000)
    """All requests from one address (an IPv6 one counts with its /64), whoever sends them."""
    when_redis_is_away: Literal["open", "closed"] = "open"
    """``open``: everybody is let in unmetered, and a revoked session lives on until its token
    expires (minutes). ``closed``: every request but health is answered with 503."""
    timeout_s: float = Field(default=0.25, gt=0)
    """Redis is taken for away when it has not answered by then."""
    retry_after_s: float = Field(default=1.0, gt=0)
    """A Redis that was away is left alone for so long: requests do not each wait for it."""
    trusted_proxies: Networks = ()
    """Networks (``10.0.0.0/8,::1``) of proxies whose X-Forwarded-For is believed; none: the
    peer's own address counts."""
