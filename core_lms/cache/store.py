"""Cache-aside and write-through of whole answers; permission is never in it.

An answer is kept under tenant, kind and id, and shown only after the policies were asked about this
caller with facts from Postgres, so a changed permission counts at once. A generation per entry
orders readers and writers: an answer is kept only if nobody has begun to change the row since the
reader looked (``fill.lua``), and a writer begins while it holds the row's lock and ends after its
commit (``through.lua``). What a killed writer leaves undone its event does, and the time to live.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import Counter
from redis.exceptions import RedisError

from core_lms.answers import Answer, Entry
from core_lms.cache.settings import CacheSettings
from gateway.breaker import Breaker
from stack.redis import Clients

log = logging.getLogger("core_lms.cache")

GENERATION_MS = 3_600_000
"""Longer than any request takes."""
WAIT_S = 1.0
"""How long one request waits for the answer that another is making."""
AWAY = (RedisError, OSError)

ASKED = Counter("lms_cache_requests_total", "Answers looked for in the cache", ["kind", "result"])
"""Results: hit, shared (made by a request at the same moment), miss, away."""

FILL, DROP, THROUGH = (
    (Path(__file__).parent / f"{name}.lua").read_bytes() for name in ("fill", "drop", "through")
)


class Miss:
    """A promise to make the answer: others wait for it until it is closed."""

    def __init__(self, cache: Cache, entry: Entry, generation: bytes | None) -> None:
        self._cache, self._entry, self._generation = cache, entry, generation
        self.made: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    async def fill(self, answer: Answer) -> None:
        """Keep the answer if it is still true, and give it to those who wait."""
        if self._generation is not None and await self._cache.fill(
            self._entry, self._generation, answer
        ):
            self._end(answer)

    def close(self) -> None:
        self._end(None)

    def _end(self, answer: Answer | None) -> None:
        if self._cache.filling.get(self._entry) is self:
            del self._cache.filling[self._entry]
        if not self.made.done():
            self.made.set_result(answer)


class Cache:
    """One per process."""

    def __init__(self, client: Clients, settings: CacheSettings) -> None:
        self._client, self._settings = client, settings
        self._breaker = Breaker(settings.retry_after_s)
        self._ttl_ms = round(settings.ttl_s * 1000)
        self.filling: dict[Entry, Miss] = {}

    async def find(self, entry: Entry) -> Answer | Miss:
        """The kept answer, or the promise to make it, which the caller closes."""
        if not self._settings.enabled or self._breaker.open:
            ASKED.labels(entry.kind, "away").inc()
            return Miss(self, entry, None)
        shared = await self._shared(entry)
        if shared is not None:
            return shared
        try:
            value, generation = await self._client().mget(entry.keys)
        except AWAY as error:
            self._failed(error)
            ASKED.labels(entry.kind, "away").inc()
            return Miss(self, entry, None)
        if value is not None:
            ASKED.labels(entry.kind, "hit").inc()
            return Answer.read(value)
        shared = await self._shared(entry)  # somebody may have begun while we asked
        if shared is not None:
            return shared
        ASKED.labels(entry.kind, "miss").inc()
        miss = Miss(self, entry, generation or b"0")
        self.filling[entry] = miss
        return miss

    async def _shared(self, entry: Entry) -> Answer | None:
        miss = self.filling.get(entry)
        if miss is None:
            return None
        # Not longer than a request may wait: who makes it may be stuck.
        await asyncio.wait([miss.made], timeout=WAIT_S)
        answer = miss.made.result() if miss.made.done() else None
        if answer is not None:
            ASKED.labels(entry.kind, "shared").inc()
        return answer

    async def fill(self, entry: Entry, generation: bytes, answer: Answer) -> bool:
        """Whether it was kept: not if the row may have changed since."""
        try:
            kept = await self._run(FILL, entry, generation, answer.kept(), self._ttl_ms)
        except AWAY as error:
            self._failed(error)
            return False
        return bool(kept)

    async def drop(self, entry: Entry) -> None:
        """Forget an answer; raises what Redis raises."""
        await self._run(DROP, entry, GENERATION_MS)

    async def changing(
        self, entries: Collection[Entry], through: Mapping[Entry, Answer]
    ) -> Callable[[], Awaitable[None]]:
        """To be called before the commit, by who holds the locks of the rows behind ``entries``;
        what it returns, after the commit.

        That keeps the new answers in ``through`` and forgets the other old ones. A Redis that is
        away is not waited for: what it kept lives out its time, or until the change's event.
        """
        generations: dict[Entry, bytes] = {}
        if not self._settings.enabled or self._breaker.open:
            entries = ()
        try:
            for entry in entries:
                generations[entry] = await self._run(DROP, entry, GENERATION_MS)
        except AWAY as error:
            self._failed(error)

        async def changed() -> None:
            try:
                for entry, generation in generations.items():
                    answer = through.get(entry)
                    if answer is None:
                        await self.drop(entry)
                    else:
                        times = self._ttl_ms, GENERATION_MS
                        await self._run(THROUGH, entry, generation, answer.kept(), *times)
            except AWAY as error:
                self._failed(error)

        return changed

    async def _run(self, script: bytes, entry: Entry, *args: Any) -> Any:
        client: Any = self._client()
        return await client.eval(script, 2, *entry.keys, *args)

    def _failed(self, error: Exception) -> None:
        log.warning("Redis is away: reading from Postgres", extra={"error": type(error).__name__})
        self._breaker.failed()
