"""The address a request came from, as far as the proxies in between are trusted."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Networks = tuple[IPv4Network | IPv6Network, ...]
MAX_HOPS = 20


def client_address(scope: Scope, trusted: Networks) -> str:
    """The nearest address that is not one of our proxies.

    X-Forwarded-For is read from its end: what a trusted proxy wrote is true, what stands before the
    first stranger was written by the stranger.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if not trusted or not _within(peer, trusted):
        return _counted(peer)
    nearest = peer
    for hop in reversed(_forwarded(scope)):
        if _parsed(hop) is None:
            break  # no address: nobody we trust writes that
        nearest = hop
        if not _within(hop, trusted):
            break
    return _counted(nearest)


def _forwarded(scope: Scope) -> list[str]:
    hops: list[str] = []
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            hops += (hop.strip() for hop in value.decode("latin-1").split(","))
    return hops[-MAX_HOPS:]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def _within(text: str, networks: Networks) -> bool:
    address = _parsed(text)
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=4096)
def _counted(text: str) -> str:
    """What has one bucket: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    address = _parsed(text)
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False).network_address) + "/64"
    return str(address)
