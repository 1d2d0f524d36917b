"""Cache-aside and write-through of whole answers; permission is never in it.

An answer is kept under tenant, kind and id, and shown only after the policies were asked about this
caller with facts from Postgres, so a changed permission counts at once. A generation per entry
orders readers and writers: an answer is kept only if nobody has begun to change the row since the
reader looked (``fill.lua``), and a writer begins while it holds the row's lock and ends after its
commit (``through.lua``). What a killed writer leaves undone its event does, and the time to live.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from pydantic import TypeAdapter
from redis.exceptions import RedisError

from core_lms.cache.settings import CacheSettings
from gateway.breaker import Breaker
from gateway.resource import Resource
from stack.redis import Clients

if TYPE_CHECKING:
    from core_lms.work import Unit, Work

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


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under one name; ``kind`` also tells variants of an answer apart."""

    institution_id: str
    kind: str
    id: str

    @property
    def keys(self) -> tuple[str, str]:
        name = f"{self.institution_id}:{self.kind}:{self.id}"
        return f"cache:{name}", f"cachegen:{name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a JSON answer and their tag."""

    tag: str
    body: bytes

    @classmethod
    def of(cls, shape: TypeAdapter[Any], content: Any, tag: str | None = None) -> Answer:
        """``content`` as a route with this response model sends it; by default its bytes' tag."""
        body = shape.dump_json(shape.validate_python(content))
        return cls(tag or f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', body)

    def kept(self) -> bytes:
        return self.tag.encode() + b"\n" + self.body

    @classmethod
    def read(cls, value: bytes) -> Answer:
        tag, _, body = value.partition(b"\n")
        return cls(tag.decode(), body)


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

    async def read(
        self,
        work: Work,
        about: Resource,
        entry: Entry,
        render: Callable[[Unit], Answer],
        query: str,
        *,
        unless: Callable[[Unit], bool] = lambda unit: False,
        **values: Any,
    ) -> Answer:
        """The answer, kept or made from the rows of ``query``, for a caller who may see it.

        ``unless`` names callers, by the facts, who get an answer of their own, which is not kept.
        Raises like ``Work.look``.
        """
        found = await self.find(entry)
        if isinstance(found, Answer):
            async with work.look(about) as unit:
                own = unless(unit)
            if not own:
                return found
            async with work.look(about, query, **values) as unit:
                return render(unit)
        try:
            async with work.look(about, query, **values) as unit:
                answer = render(unit)
            if not unless(unit):
                await found.fill(answer)
        finally:
            found.close()
        return answer

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
