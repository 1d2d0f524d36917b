"""A learner's trail: the last items they were on, newest first, beside the online features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from redis import Redis
from redis import asyncio as redis_asyncio

from contracts.feature_views import View
from contracts.features import FeatureRow

_TTL_S = 400 * 24 * 3600


def key(view: View, entity_id: str) -> str:
    """The sorted set of one entity: member by time."""
    return f"learnstream:trail:{view.name}:{entity_id}"


def extend(client: Redis, view: View, rows: Iterable[FeatureRow]) -> None:
    """Add each row's newest item: idempotent, and in whatever order rows arrive."""
    trail = view.trail
    if trail is None:
        return
    moments: dict[str, dict[str, float]] = {}
    for row in rows:
        member = row.features.get(trail.member)
        if isinstance(member, str):
            steps = moments.setdefault(row.entity_id, {})
            at = _seconds(row.features.get(trail.at), row.event_timestamp)
            steps[member] = max(at, steps.get(member, at))
    if not moments:
        return
    with client.pipeline(transaction=False) as pipe:
        for entity_id, steps in moments.items():
            name = key(view, entity_id)
            pipe.zadd(name, steps, gt=True)
            pipe.zremrangebyrank(name, 0, -trail.length - 1)
            pipe.expire(name, _TTL_S)
        pipe.execute()


async def newest(
    client: redis_asyncio.Redis, view: View, entity_id: str, limit: int
) -> Sequence[str]:
    """The last ``limit`` members, newest first."""
    members = await client.zrevrange(key(view, entity_id), 0, limit - 1)
    return [member.decode() for member in members]


def _seconds(value: object, otherwise: datetime) -> float:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return otherwise.timestamp()
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return otherwise.timestamp()
