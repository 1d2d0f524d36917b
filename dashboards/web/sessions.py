"""Who is signed in to the pages: a cookie that points to tokens of the LMS, kept in Redis.

The browser holds a random secret and nothing else. Redis holds the tokens under a hash of it,
sealed with a key that follows from it: whoever reads Redis can use none of them. The session is
the LMS's, whose ``/sessions/refresh`` renews the access token; where that refuses, it is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import redis.asyncio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.responses import Response
from starlette.types import Scope

from contracts.errors import Retryable
from dashboards.web.behind import Behind
from gateway.errors import Forbidden, Relayed
from gateway.limits.middleware import READS
from stack.http import HttpSettings

REFRESH_BEFORE_S = 60.0
KEPT_S = 8 * 86_400
"""A day longer than the LMS keeps a session that nobody refreshes."""
_NONCE = 12


class Sessions:
    """The sessions of the pages; methods raise ``redis.RedisError`` while Redis is away."""

    def __init__(
        self,
        lms: Behind,
        client: redis.asyncio.Redis,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lms, self._redis, self._clock = lms, client, clock
        self._refreshing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, tokens: dict[str, Any]) -> str:
        """Store the LMS's ``Tokens``; returns the secret for the cookie."""
        secret = secrets.token_urlsafe(32)
        await self._keep(secret, tokens)
        return secret

    async def token(self, secret: str) -> str | None:
        """A valid access token, renewed where it expires soon; None where the session is over.

        Raises ``Retryable`` where it has expired and the LMS is away.
        """
        kept = await self._read(secret)
        if kept is None:
            return None
        if kept["until"] - self._clock() > REFRESH_BEFORE_S:
            return str(kept["access_token"])
        async with self._refreshing.setdefault(_name(secret), asyncio.Lock()):
            kept = await self._read(secret)  # another request may have been faster
            if kept is None:
                return None
            if kept["until"] - self._clock() > REFRESH_BEFORE_S:
                return str(kept["access_token"])
            return await self._refreshed(secret, kept)

    async def end(self, secret: str) -> None:
        """Log the session out at the LMS, and forget it."""
        try:
            token, kept = await self.token(secret), await self._read(secret)
        finally:  # here it ends even while the LMS is away
            await self._redis.delete(_name(secret))
        if token is None or kept is None:
            return
        path = f"/users/{kept['user_id']}/sessions/{kept['session_id']}"
        with suppress(Relayed):  # over already, there as well
            await self._lms.ask("DELETE", path, token)

    async def _refreshed(self, secret: str, kept: dict[str, Any]) -> str | None:
        body = {"refresh_token": kept["refresh_token"]}
        try:
            answer = await self._lms.ask("POST", "/sessions/refresh", None, json=body)
        except Retryable:
            if kept["until"] > self._clock():
                return str(kept["access_token"])
            raise
        except Relayed as refused:
            if refused.facts["status"] != HTTPStatus.UNAUTHORIZED:
                raise Retryable(refused.message) from refused
            await self._redis.delete(_name(secret))
            return None
        tokens = answer.json()
        await self._keep(secret, tokens)
        return str(tokens["access_token"])

    async def _keep(self, secret: str, tokens: dict[str, Any]) -> None:
        names = ("access_token", "refresh_token", "user_id", "session_id")
        kept = {name: tokens[name] for name in names}
        kept["until"] = self._clock() + tokens["expires_in"]
        nonce = os.urandom(_NONCE)
        sealed = nonce + _cipher(secret).encrypt(nonce, json.dumps(kept).encode(), None)
        await self._redis.set(_name(secret), sealed, ex=KEPT_S)

    async def _read(self, secret: str) -> dict[str, Any] | None:
        sealed = await self._redis.get(_name(secret))
        if sealed is None:
            return None
        try:
            text = _cipher(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except InvalidTag:
            return None
        found: dict[str, Any] = json.loads(text)
        return found


def _name(secret: str) -> str:
    return f"dashboards:session:{hashlib.sha256(b'name:' + secret.encode()).hexdigest()}"


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"seal:" + secret.encode()).digest())


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie that holds a session's secret; ``secure`` where the pages are reached by TLS."""

    secure: bool

    @classmethod
    def of(cls, settings: HttpSettings) -> Cookie:
        """Secure where the address that browsers open begins with https."""
        return cls(urlsplit(settings.pages_address).scheme == "https")

    @property
    def name(self) -> str:
        """With TLS the browser itself sees to it that no other host or path sets it."""
        return "__Host-learnstream" if self.secure else "learnstream"

    def secret_in(self, scope: Scope) -> str | None:
        """What the request's cookie holds."""
        for name, value in scope["headers"]:
            if name == b"cookie":
                try:
                    found = SimpleCookie(value.decode("latin-1")).get(self.name)
                except CookieError:
                    return None
                return found.value[:100] if found is not None and found.value else None
        return None

    def set(self, response: Response, secret: str) -> None:
        response.set_cookie(
            self.name,
            secret,
            max_age=int(KEPT_S),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )

    def delete(self, response: Response) -> None:
        response.delete_cookie(
            self.name, path="/", secure=self.secure, httponly=True, samesite="strict"
        )


def require_same_origin(scope: Scope) -> None:
    """Raises ``Forbidden`` where a request that changes something is not from our own pages.

    Browsers say it in ``Sec-Fetch-Site``, older ones in ``Origin``; without either it is refused.
    """
    if scope["method"] in READS:
        return
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        same = site == "same-origin"
    else:
        origin = urlsplit(headers.get(b"origin", ""))
        same = bool(origin.netloc) and origin.netloc == headers.get(b"host")
    if not same:
        raise Forbidden("this has to come from our own pages")
