"""How often somebody may be wrong: waits that double, per account and per network address.

A try is counted before it is made and forgotten when it was right. The wait is bounded, because a
lock that never opens would let anybody shut a person out. Keys are hashes: Redis holds no address.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from contracts.errors import Retryable
from core_lms.sessions.settings import SessionSettings
from gateway.errors import TooManyRequests

_SCRIPT = (Path(__file__).parent / "throttle.lua").read_text(encoding="utf-8")


class Throttle:
    """``clock`` gives seconds; none is Redis's own, the same for all processes."""

    def __init__(
        self,
        redis: redis.asyncio.Redis,
        settings: SessionSettings,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis, self._settings, self._clock = redis, settings, clock
        self._script = redis.register_script(_SCRIPT)

    async def attempt(self, account: str, address: str | None) -> None:
        """Count one try; raises ``TooManyRequests`` with the fact ``retry_after_s`` instead.

        Raises ``Retryable`` while Redis is away: without the count there is no guessing either.
        """
        keys, free = [_key("account", account)], [self._settings.free_failures]
        if address is not None:
            keys.append(_key("address", address))
            free.append(self._settings.free_failures_of_address)
        now = "" if self._clock is None else repr(self._clock())
        waits = self._settings.first_wait_s, self._settings.longest_wait_s
        try:
            wait = float(await self._script(keys=keys, args=[now, *waits, *free]))
        except RedisError as error:
            raise Retryable("logins are not possible at the moment; try again") from error
        if wait > 0:
            seconds = math.ceil(wait)
            raise TooManyRequests(f"too many tries: wait {seconds} seconds", retry_after_s=seconds)

    async def forget(self, account: str, address: str | None) -> None:
        """The try was right: the account's count starts anew, the address gets this one back."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(_key("account", account))
            if address is not None:
                pipe.hincrby(_key("address", address), "tries", -1)
            await pipe.execute()


def _key(kind: str, what: str) -> str:
    return f"tries:{kind}:{hashlib.sha256(what.encode()).hexdigest()[:32]}"
