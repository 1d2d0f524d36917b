"""What is live in an institution or in some of its courses, from Redis (``contracts.live``).

The answers have the columns of the panels' own queries, which others run on the database. Learners
are an estimate (HyperLogLog, standard error 0.81 %).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from redis.asyncio import Redis

from contracts.live import ALL, FILLED, MINUTES, learners_keys, minute_of, sums_key
from core_lms.analytics.repository import Answer, Rows

SCOPES = ("institution", "courses")
"""Whose counters there are."""


async def answer(redis: Redis, figure: str, seen: Rows, now: datetime) -> Answer | None:
    """The figure of this name as of ``now``; None where Redis lacks it: ask the database.

    Redis' errors pass through.
    """
    if seen.scope not in SCOPES or not await redis.exists(FILLED):
        return None
    return await _FIGURES[figure](redis, seen, minute_of(now))


async def _active_learners(redis: Redis, seen: Rows, now: int) -> Answer:
    pipe = redis.pipeline(transaction=False)
    for minutes in (15, MINUTES):
        if keys := learners_keys(seen.institution_id, _courses(seen), now, minutes):
            pipe.pfcount(*keys)
    found = await pipe.execute() or (0, 0)
    return Answer(("last_15_minutes", "last_hour"), [tuple(found)])


async def _events_per_minute(redis: Redis, seen: Rows, now: int) -> Answer:
    fields = [ALL] if seen.scope == "institution" else list(seen.course_ids)
    minutes = range(now - MINUTES + 1, now + 1)
    pipe = redis.pipeline(transaction=False)
    for minute in minutes if fields else ():
        pipe.hmget(sums_key(seen.institution_id, minute), fields)
    found = await pipe.execute() or [()] * MINUTES
    rows = [
        (datetime.fromtimestamp(minute * 60, UTC), sum(int(value or 0) for value in values))
        for minute, values in zip(minutes, found, strict=True)
    ]
    return Answer(("time", "events"), rows)


def _courses(seen: Rows) -> tuple[str, ...] | None:
    return None if seen.scope == "institution" else seen.course_ids


_Figure = Callable[[Redis, Rows, int], Awaitable[Answer]]
_FIGURES: Mapping[str, _Figure] = {
    "active_learners": _active_learners,
    "events_per_minute": _events_per_minute,
}
