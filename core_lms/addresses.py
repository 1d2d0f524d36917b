"""Where we may connect to: public addresses only, checked on the very address that is used.

A name is resolved here and the connection goes to the address that was checked: a name that points
elsewhere the next moment (DNS rebinding) gains nothing. TLS still checks the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx

from contracts.errors import Rejected

_CARRYING_IPV4 = tuple(
    map(
        ip_network,
        ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
    )
)
"""IPv6 networks whose addresses stand for IPv4 ones, translated on the way."""


class NotAllowed(Exception):
    """The address is none that we connect to."""


def is_public(text: str) -> bool:
    """Whether an address belongs to the Internet and to nobody's inside."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or any(address in one for one in _CARRYING_IPV4):
            return False
        if address.is_site_local:
            return False
    return _global(address)


def _global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def check_url(url: str, allow_private: bool) -> SplitResult:
    """Raises ``Rejected`` for what can be seen to be wrong without asking anybody."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Rejected("url: is not a URL") from None
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not host:
        raise Rejected("url: begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise Rejected("url: carries a name or password: the signature proves who we are")
    if parts.fragment:
        raise Rejected("url: has a fragment, which is never sent")
    if not allow_private and not may_be_public(host):
        raise Rejected("url: the host is of a private network (LMS_WEBHOOKS_ALLOW_PRIVATE)")
    return parts


def may_be_public(host: str) -> bool:
    """Whether a host is none that can be seen to be inside without asking anybody."""
    try:
        return is_public(host)
    except ValueError:  # a name: what it stands for is checked when we connect
        name = host.rstrip(".").lower()
        last = name.rpartition(".")[2]
        private = last in ("localhost", "local", "internal", "localdomain")
        # Inside a network names have no dot; and 0x7f.1 or 2130706433 are addresses to some.
        return "." in name and not private and not last[:1].isdigit()


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, or to all where that is allowed."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the interface is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ``NotAllowed`` where the name stands for any address that is not public."""
        addresses = await self._addresses(host, port)
        error: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore.ConnectError("the name has no address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private and not all(map(is_public, addresses)):
            raise NotAllowed("the address is not public")
        return addresses

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise NotAllowed("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def transport(allow_private: bool) -> httpx.AsyncHTTPTransport:
    """For a client of ``httpx`` that connects like ``PublicOnly``. Give it ``trust_env=False``: a
    proxy of the environment would resolve names itself.
    """
    made = httpx.AsyncHTTPTransport()
    made._pool = httpcore.AsyncConnectionPool(  # httpx takes no network backend
        ssl_context=httpx.create_ssl_context(), network_backend=PublicOnly(allow_private)
    )
    return made
