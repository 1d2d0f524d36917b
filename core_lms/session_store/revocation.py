"""Access tokens that no longer count although they have not expired: marks in Redis.

A mark lives as long as the longest access token. ``gateway/limits`` reads those of a caller in
the round trip it makes anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

import redis.asyncio

from gateway.settings import LONGEST_LIFETIME_S


def key(id_: object) -> str:
    """Of a session or a person."""
    return f"revoked:{id_}"


async def mark(redis: redis.asyncio.Redis, ids: Iterable[object]) -> None:
    """The tokens of these sessions or people count no more, from now on."""
    async with redis.pipeline(transaction=True) as pipe:
        for id_ in ids:
            pipe.set(key(id_), 1, ex=LONGEST_LIFETIME_S)
        await pipe.execute()


async def unmark(redis: redis.asyncio.Redis, user_id: object) -> None:
    """The person may come back; the sessions that were ended stay ended."""
    await redis.delete(key(user_id))
