"""What is known of one learner at the time of a request, and which components did not answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import redis.exceptions
from redis import asyncio as redis_asyncio

from contracts.errors import Retryable
from features import trail
from features.catalogue import VIEWS
from gateway.breaker import Breaker
from gateway.remembered import Remembered
from serving.lms import Lms
from serving.settings import ServingSettings
from serving.windows import WindowReader, Windows
from stack.consent import ConsentSettings

VIEW = VIEWS["learner_activity"]
_REMEMBERED = 20_000
_TRAIL = VIEW.trail.length if VIEW.trail else 0
_REMEMBERED_S = 90 * 86_400
Result = TypeVar("Result")
FromLms = tuple[frozenset[str], tuple[str, ...], bool]
"""What is finished, the courses the learner is in, and whether they agree to personal offers."""


@dataclass(frozen=True)
class Signals:
    """``recent`` is newest first; ``missing`` names the components that did not answer."""

    user_id: str
    finished: frozenset[str] = frozenset()
    enrolled: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    dismissed: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    personalized: bool = True
    """Whether the learner agrees to offers chosen from what they did."""


async def attempt(breaker: Breaker, step: Awaitable[Result], timeout_s: float) -> Result | None:
    """The result, or None where the component is away. Other errors pass through.

    After a failure the component is not asked again for a while: one answer is slow, not all.
    """
    if breaker.open:
        if asyncio.iscoroutine(step):
            step.close()
        return None
    try:
        return await asyncio.wait_for(step, timeout_s)
    except (Retryable, TimeoutError, redis.exceptions.RedisError, OSError):
        breaker.failed()
        return None


def dismissed_key(user_id: str) -> str:
    """Sorted set: item by the moment (seconds) until which it stays dismissed."""
    return f"learnstream:dismissed:{user_id}"


def _lms_key(user_id: str) -> str:
    """The LMS's last answer about the learner."""
    return f"learnstream:lms:{user_id}"


class SignalReader:
    """Asks the LMS and Redis at once; the LMS's last answer is kept for when it is away."""

    def __init__(self, lms: Lms, client: redis_asyncio.Redis, settings: ServingSettings) -> None:
        self._lms = lms
        self._redis = client
        self._windows = WindowReader(client)
        self._settings = settings
        self._lms_breaker = Breaker(settings.cooldown_s)
        self._redis_breaker = Breaker(settings.cooldown_s)
        self._last = Remembered[str, FromLms](_REMEMBERED)
        default = ConsentSettings().by_default(settings.institution_id)
        self._by_default = "personalization" in default

    async def read(self, user_id: str) -> Signals:
        """Raises ``NotFound`` for a learner the LMS does not know."""
        from_lms, from_redis = await asyncio.gather(
            attempt(self._lms_breaker, self._ask_lms(user_id), self._settings.lms_timeout_s),
            attempt(self._redis_breaker, self._ask_redis(user_id), self._settings.redis_timeout_s),
        )
        missing = []
        if from_lms is None:
            missing.append("lms")
            from_lms = await self._recall(user_id)
        elif self._last.get(user_id) != from_lms:
            await self._remember(user_id, from_lms)
        if from_redis is None:
            missing.append("redis")
            from_redis = ((), frozenset())
        finished, enrolled, personalized = from_lms
        recent, dismissed = from_redis if personalized else ((), from_redis[1])
        return Signals(user_id, finished, enrolled, recent, dismissed, tuple(missing), personalized)

    async def windows(self, user_id: str, item_ids: Sequence[str]) -> Windows | None:
        """The ranker's features as of now, of a learner who agrees; None while Redis is away."""
        step = self._windows.read(user_id, item_ids)
        return await attempt(self._redis_breaker, step, self._settings.redis_timeout_s)

    async def agrees(self, user_id: str) -> bool:
        """Whether the learner agrees to personalization; while the LMS is away its last answer."""
        step = self._lms.personalized(user_id)
        agreed = await attempt(self._lms_breaker, step, self._settings.lms_timeout_s)
        return (await self._recall(user_id))[2] if agreed is None else agreed

    def forget(self, user_id: str) -> None:
        """Drop what this process remembers of a person."""
        self._last.forget(user_id)

    async def _remember(self, user_id: str, known: FromLms) -> None:
        """Keep it in this process, and in Redis for a process that starts while the LMS is away."""
        self._last.put(user_id, known)
        copy = json.dumps([sorted(known[0]), known[1], known[2]])
        step = self._redis.set(_lms_key(user_id), copy, ex=_REMEMBERED_S)
        await attempt(self._redis_breaker, step, self._settings.redis_timeout_s)

    async def _recall(self, user_id: str) -> FromLms:
        if (last := self._last.get(user_id)) is not None:
            return last
        step = self._redis.get(_lms_key(user_id))
        copy = await attempt(self._redis_breaker, step, self._settings.redis_timeout_s)
        if copy is None:
            # A learner who withdrew has no features left: the default shows nothing of them.
            return frozenset(), (), self._by_default
        finished, enrolled, *rest = json.loads(copy)
        personalized = bool(rest[0]) if rest else self._by_default
        known = frozenset(finished), tuple(enrolled), personalized
        self._last.put(user_id, known)
        return known

    async def _ask_lms(self, user_id: str) -> FromLms:
        finished, enrolled, personalized = await asyncio.gather(
            self._lms.completed_items(user_id),
            self._lms.enrolled_courses(user_id),
            self._lms.personalized(user_id),
        )
        return frozenset(finished), tuple(enrolled), personalized

    async def _ask_redis(self, user_id: str) -> tuple[tuple[str, ...], frozenset[str]]:
        recent, dismissed = await asyncio.gather(
            trail.newest(self._redis, VIEW, user_id, _TRAIL),
            self._redis.zrangebyscore(dismissed_key(user_id), time.time(), "+inf"),
        )
        return tuple(recent), frozenset(item.decode() for item in dismissed)
