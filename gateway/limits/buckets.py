"""Taking tokens: one round trip to Redis for all buckets of a request and its revocations."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from contracts.errors import Retryable
from gateway.breaker import Breaker
from gateway.limits.settings import LimitSettings, Rate
from stack.redis import Clients

TAKE = (Path(__file__).parent / "take.lua").read_bytes()
_SHA = hashlib.sha1(TAKE, usedforsecurity=False).hexdigest()
_REVOKED, _TAKEN, _REFUSED = range(3)


@dataclass(frozen=True, slots=True)
class Bucket:
    """``name`` is what the policy is called in headers, ``key`` whose bucket it is in Redis."""

    name: str
    key: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket after the request."""

    bucket: Bucket
    left: int
    wait_us: int
    """Until there is a token again; 0 where there is one."""
    full_in_us: int

    @property
    def retry_after_s(self) -> int:
        """``wait_us`` in whole seconds, rounded up."""
        return math.ceil(self.wait_us / 1_000_000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the request goes on."""

    revoked: bool
    taken: bool
    levels: Sequence[Level] = ()

    @property
    def tightest(self) -> Level | None:
        """The bucket that refuses the longest, else the one with the smallest share left."""
        return max(
            self.levels,
            key=lambda level: (level.wait_us, -level.left / level.bucket.rate.burst),
            default=None,
        )


UNMETERED = Verdict(revoked=False, taken=True)


class Away(Retryable):
    """Redis does not answer, and the setting is not to go on without it."""


class Buckets:
    """Asks Redis; one per process."""

    def __init__(
        self,
        client: Clients,
        settings: LimitSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._settings = client, settings
        self._breaker = Breaker(settings.retry_after_s, clock)

    async def take(self, buckets: Sequence[Bucket], revocations: Sequence[str]) -> Verdict:
        """Raises ``Away`` where Redis is away and requests are then refused."""
        if not buckets and not revocations:
            return UNMETERED
        if self._breaker.open:
            return self._without()
        keys = [bucket.key for bucket in buckets]
        rates = [n for bucket in buckets for n in (bucket.rate.token_us, bucket.rate.burst)]
        try:
            answer = await self._run(keys, [*rates, *revocations])
        except (RedisError, OSError):
            self._breaker.failed()
            return self._without()
        if answer[0] == _REVOKED:
            return Verdict(revoked=True, taken=False)
        levels = [Level(bucket, *answer[3 * i + 1 : 3 * i + 4]) for i, bucket in enumerate(buckets)]
        return Verdict(False, answer[0] == _TAKEN, levels)

    async def _run(self, keys: list[str], arguments: list[int | str]) -> list[int]:
        client: Any = self._client()
        try:
            found: list[int] = await client.evalsha(_SHA, len(keys), *keys, *arguments)
        except NoScriptError:  # Redis was started anew
            found = await client.eval(TAKE, len(keys), *keys, *arguments)
        return found

    def _without(self) -> Verdict:
        if self._settings.when_redis_is_away == "open":
            return UNMETERED
        raise Away("requests cannot be metered at the moment; try again")
