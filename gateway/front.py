"""Around every request, before anybody asks who sent it: its host, its headers, its id, the headers
of its answer, and a problem document for whatever fails on the way.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import psycopg
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import LearnstreamError, Retryable
from gateway import problems, request_ids
from gateway.errors import HeadersTooLarge, Malformed, Misdirected, NotFound

log = logging.getLogger("gateway")

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
"""Names and values together, and the path."""

OPERATIONS = ("/health/", "/metrics")
"""For the machines around us; not for whoever comes through a proxy."""

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_UNLESS_SAID = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"private, no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_NAMES = {name for name, _ in _UNLESS_SAID}


class Front:
    """Pure ASGI. ``hosts`` are the names under which this process may be asked (lower case)."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size = len(scope["path"]) + len(scope["query_string"])
        proxied, given = False, None
        hosts: list[bytes] = []
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                hosts.append(value)
            elif name == b"x-request-id":
                given = value
            elif name in (b"x-forwarded-for", b"forwarded"):
                proxied = True
        request_id = request_ids.begin(given).encode()
        secure = scope["scheme"] == "https"
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = _headers(message.get("headers", ()), request_id, secure)
            await send(message)

        try:
            self._check(scope, size, hosts, proxied)
            await self._app(scope, receive, sent)
        except Exception as error:
            if started:
                raise  # to the server, which closes the connection and logs the traceback
            answer, expected = _answer(error)
            await answer(scope, receive, sent)
            if not expected:
                raise

    def _check(self, scope: Scope, size: int, hosts: list[bytes], proxied: bool) -> None:
        if size > MAX_HEADER_BYTES or len(scope["headers"]) > MAX_HEADERS:
            raise HeadersTooLarge(
                f"a request has up to {MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes of them"
            )
        if len(hosts) != 1:
            raise Malformed("a request has one Host header")
        if hostname(hosts[0].decode("latin-1")) not in self._hosts:
            raise Misdirected("this process does not answer for that host: LMS_HTTP_ALLOWED_HOSTS")
        if proxied and scope["path"].startswith(OPERATIONS):
            raise NotFound("there is nothing here")


def hostname(host: str) -> str:
    """``Host`` without its port, in lower case: ``[::1]:18000`` → ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).rstrip(".")


def _headers(
    said: list[tuple[bytes, bytes]], request_id: bytes, secure: bool
) -> list[tuple[bytes, bytes]]:
    names = {name for name, _ in said if name in _NAMES}
    headers = [*said, (b"x-request-id", request_id), *_ALWAYS]
    headers += (header for header in _UNLESS_SAID if header[0] not in names)
    if secure:
        headers.append(_STRICT_TRANSPORT)
    return headers


def _answer(error: Exception) -> tuple[Response, bool]:
    """A problem document for what no handler of the application answered, and whether it is one of
    ours. The message of a foreign error may carry personal data."""
    if isinstance(error, (psycopg.OperationalError, PoolTimeout, RedisError)):
        log.warning("a store is away", extra={"error": type(error).__name__})
        return problems.of(Retryable("a store is not available at the moment; try again")), True
    if isinstance(error, LearnstreamError):
        return problems.of(error), True
    return problems.problem(500, problems.OURS), False
