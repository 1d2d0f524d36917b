"""Waking the streams of a person: a word through Redis to every process that streams.

Nothing is lost where a word is: a stream polls the database now and then by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from stack.redis import async_client

log = logging.getLogger("core_lms.notifications")

CHANNEL = "lms:notifications"
_AGAIN_S = 2.0


async def wake(user_id: str) -> None:
    """Raises ``RedisError`` where nobody can be woken."""
    await async_client().publish(CHANNEL, user_id)


class Alarm:
    """One subscription of a process, for all streams in it."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def add(self, user_id: str) -> asyncio.Event:
        """An event that is set whenever there may be something new for the person."""
        event = asyncio.Event()
        self._waiting[user_id].add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        return event

    def remove(self, user_id: str, event: asyncio.Event) -> None:
        self._waiting[user_id].discard(event)
        if not self._waiting[user_id]:
            del self._waiting[user_id]
        if not self._waiting and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async with async_client().pubsub() as words:
                    await words.subscribe(CHANNEL)
                    self._all()  # whatever was said while nobody listened
                    while True:
                        word = await words.get_message(ignore_subscribe_messages=True, timeout=1.0)
                        if word is not None:
                            for event in self._waiting.get(word["data"].decode(), ()):
                                event.set()
            except (RedisError, OSError) as error:
                log.warning("streams are not woken", extra={"error": type(error).__name__})
                await asyncio.sleep(_AGAIN_S)

    def _all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Alarm] = WeakKeyDictionary()


def alarm() -> Alarm:
    """The one of the running event loop."""
    return _of_loop.setdefault(asyncio.get_running_loop(), Alarm())
