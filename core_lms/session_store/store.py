"""Sessions in Redis, and the refresh tokens that continue them.

A session is a hash; a set per person, ordered by expiry, lists theirs. A refresh token is opaque to
its holder: institution, person, session, a number, and a code over them (HMAC-SHA256 with a key
that Redis never sees). Each refresh raises the number, so an old token is recognised without
keeping it, and a forged one without asking Redis. Because the next token follows from its number,
two refreshes at once get the same answer, and after a crash that cost Redis its last second the
holder's newer token is still good.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import redis.asyncio
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.ids import new_id
from core_lms.session_store import revocation
from gateway.errors import Unauthenticated
from stack.redis import async_client
from stack.secrets import secret

_SCRIPT = (Path(__file__).parent / "refresh.lua").read_text(encoding="utf-8")
_PREFIX = "lsr1_"
_BODY = struct.Struct(">16s16s16sI")
_AGAIN = "the session has ended: log in again"


class StoreSettings(BaseSettings):
    """How long people stay logged in: ``LMS_SESSIONS_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_SESSIONS_", frozen=True)

    lifetime_days: float = Field(default=30.0, gt=0)
    """A session ends this long after the login, however much it is used."""
    idle_days: float = Field(default=7.0, gt=0)
    """… and when it was not refreshed for this long."""
    refresh_grace_s: float = Field(default=10.0, ge=0)
    """The refresh token before the current one may come again for this long and is answered with
    the same successor: two tabs, a lost answer. Later it counts as stolen and ends the session."""
    max_per_person: int = Field(default=50, ge=1)
    """A further login ends the oldest session."""


@cache
def _settings() -> StoreSettings:
    return StoreSettings()


@dataclass(frozen=True, slots=True)
class Session:
    """Times are seconds since the epoch; ``method`` is ``password``, ``link`` or
    ``sso:<provider>``."""

    id: str
    user_id: str
    institution_id: str
    method: str
    agent: str
    created_at: float
    refreshed_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a refresh token says; only made from one whose code is right."""

    institution_id: str
    user_id: str
    session_id: str
    number: int


@cache
def _code_key() -> bytes:
    return secret("refresh-key", lambda: secrets.token_urlsafe(32)).encode()


def _code(body: bytes) -> bytes:
    return hmac.digest(_code_key(), body, sha256)


def seal(ticket: Ticket) -> str:
    """The refresh token of a ticket, 120 characters of URL-safe text."""
    ids = (ticket.institution_id, ticket.user_id, ticket.session_id)
    body = _BODY.pack(*(UUID(id_).bytes for id_ in ids), ticket.number)
    return _PREFIX + base64.urlsafe_b64encode(body + _code(body)).decode()


def unseal(token: str) -> Ticket:
    """Raises ``Unauthenticated`` for what ``seal`` did not make."""
    try:
        if not token.startswith(_PREFIX) or len(token) > 200:
            raise ValueError("another kind of token")
        raw = base64.b64decode(token.removeprefix(_PREFIX), altchars=b"-_", validate=True)
        body, code = raw[: _BODY.size], raw[_BODY.size :]
        *ids, number = _BODY.unpack(body)
    except (ValueError, binascii.Error, struct.error):
        raise Unauthenticated("the refresh token is not one of ours: log in again") from None
    if not hmac.compare_digest(code, _code(body)):
        raise Unauthenticated("the refresh token is not one of ours: log in again")
    institution_id, user_id, session_id = (str(UUID(bytes=id_)) for id_ in ids)
    return Ticket(institution_id, user_id, session_id, number)


class Sessions:
    """All of them; methods raise ``redis.RedisError`` while Redis is away."""

    def __init__(
        self,
        redis: redis.asyncio.Redis,
        settings: StoreSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis, self._settings, self._clock = redis, settings, clock
        self._refresh = redis.register_script(_SCRIPT)

    async def begin(
        self, institution_id: str, user_id: str, *, method: str, agent: str
    ) -> tuple[Session, str]:
        """A new session and its first refresh token; the oldest ends where there are too many."""
        now = self._clock()
        expires_at = now + self._settings.lifetime_days * 86_400
        session = Session(
            new_id(), user_id, institution_id, method, agent[:200], now, now, expires_at
        )
        idle_s = self._settings.idle_days * 86_400
        fields = {name: getattr(session, name) for name in Session.__slots__} | {"number": 0}
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_key(user_id, session.id), mapping=fields)
            pipe.expire(_key(user_id, session.id), int(min(idle_s, expires_at - now)) + 1)
            pipe.zremrangebyscore(_of(user_id), "-inf", now)
            pipe.zadd(_of(user_id), {session.id: expires_at})
            pipe.expire(_of(user_id), int(expires_at - now) + 1)
            pipe.zrange(_of(user_id), 0, -self._settings.max_per_person - 1)
            pipe.delete(revocation.key(user_id))  # whoever gets a session is let in again
            *_, surplus, _ = await pipe.execute()
        for oldest in surplus:
            await self.end(user_id, oldest.decode())
        return session, seal(Ticket(institution_id, user_id, session.id, 0))

    async def refresh(self, ticket: Ticket) -> tuple[Session, str]:
        """The session and its next refresh token.

        Raises ``Unauthenticated`` where the session is over. A token that was used before ends it:
        somebody has a copy, and nobody knows who.
        """
        key = _key(ticket.user_id, ticket.session_id)
        idle_s = self._settings.idle_days * 86_400
        args = [ticket.number, self._clock(), self._settings.refresh_grace_s, idle_s]
        verdict, *rest = await self._refresh(keys=[key], args=args)
        if verdict == b"reused":
            await self.end(ticket.user_id, ticket.session_id)
            raise Unauthenticated(
                "this refresh token was used before, so the session was ended: log in again",
                reused=True,
            )
        if verdict != b"ok":
            raise Unauthenticated(_AGAIN)
        number, *flat = rest
        session = _session(dict(zip(flat[::2], flat[1::2], strict=True)))
        if session.institution_id != ticket.institution_id:
            raise Unauthenticated(_AGAIN)
        return session, seal(
            Ticket(ticket.institution_id, ticket.user_id, ticket.session_id, int(number))
        )

    async def of_person(self, user_id: str) -> list[Session]:
        """Those that could still be refreshed, the newest first."""
        ids = [id_.decode() for id_ in await self._redis.zrange(_of(user_id), 0, -1)]
        if not ids:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for id_ in ids:
                pipe.hgetall(_key(user_id, id_))
            found = [_session(fields) for fields in await pipe.execute() if fields]
        now, idle_s = self._clock(), self._settings.idle_days * 86_400
        alive = [s for s in found if now < min(s.expires_at, s.refreshed_at + idle_s)]
        return sorted(alive, key=lambda session: session.created_at, reverse=True)

    async def end(self, user_id: str, session_id: str) -> bool:
        """No refresh any more, and its access tokens count no more; whether it was there."""
        if not await self._redis.exists(_key(user_id, session_id)):
            return False  # and no mark: the id may be another person's
        await revocation.mark(self._redis, [session_id])
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(_key(user_id, session_id))
            pipe.zrem(_of(user_id), session_id)
            await pipe.execute()
        return True

    async def end_all(self, user_id: str, *, but: str | None = None) -> int:
        """Every session of a person, except that one; how many there were."""
        listed = await self._redis.zrange(_of(user_id), 0, -1)
        ids = [id_.decode() for id_ in listed if id_.decode() != but]
        if not ids:
            return 0
        await revocation.mark(self._redis, ids)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*(_key(user_id, id_) for id_ in ids))
            pipe.zrem(_of(user_id), *ids)
            return int((await pipe.execute())[0])

    async def shut_out(self, user_id: str) -> None:
        """End everything, and refuse whatever token still names the person."""
        await revocation.mark(self._redis, [user_id])
        await self.end_all(user_id)

    async def let_in(self, user_id: str) -> None:
        """The opposite of ``shut_out``; who was in has to log in again."""
        await revocation.unmark(self._redis, user_id)


def sessions() -> Sessions:
    """On the Redis of the running event loop."""
    return Sessions(async_client(), _settings())


def _key(user_id: str, session_id: str) -> str:
    return f"session:{{{user_id}}}:{session_id}"  # braces: one slot per person in a Redis cluster


def _of(user_id: str) -> str:
    return f"sessions:{{{user_id}}}"


def _session(fields: dict[bytes, bytes]) -> Session:
    text: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
    for name in ("created_at", "refreshed_at", "expires_at"):
        text[name] = float(text[name])
    return Session(**{name: text[name] for name in Session.__slots__})
