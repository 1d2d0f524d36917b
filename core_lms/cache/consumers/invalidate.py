"""Forgets kept answers about a course when an event says that it changed.

The write itself forgets them after its commit; this does it again for a process that died in
between, or could not reach Redis. It repeats until Redis answers: an event is never passed over.
"""

from __future__ import annotations

from functools import cache

from redis.exceptions import RedisError

from contracts.envelope import Envelope
from contracts.errors import Retryable
from core_lms import answers
from core_lms.cache.settings import CacheSettings
from core_lms.cache.store import Cache
from core_lms.inbox import Consumer
from core_lms.unit import Unit
from stack.redis import RedisSettings, clients


@cache
def _kept() -> Cache:
    settings = CacheSettings()
    return Cache(clients(RedisSettings().url, settings.timeout_s), settings)


async def handle(unit: Unit, envelope: Envelope) -> None:
    """Outside of the database, but harmless to repeat and to do in vain."""
    try:
        for entry in answers.invalidated_by(unit.institution_id, [envelope]):
            await _kept().drop(entry)
    except (RedisError, OSError) as error:
        raise Retryable("Redis is away: kept answers cannot be forgotten") from error


CONSUMER = Consumer("cache.invalidate", answers.COURSE_CHANGES, handle, begin="latest")
