"""Redis: the names of all keys and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from core_lms.privacy.redis_keys import REVOKED
from core_lms.privacy.stores.trace import Trace, Wanted
from stack import redis as stack_redis

AT_ONCE = 1_000

_READ: dict[bytes, Callable[[Any, bytes], Any]] = {
    b"string": lambda pipe, key: pipe.get(key),
    b"hash": lambda pipe, key: pipe.hgetall(key),
    b"zset": lambda pipe, key: pipe.zrange(key, 0, -1),
    b"set": lambda pipe, key: pipe.smembers(key),
    b"list": lambda pipe, key: pipe.lrange(key, 0, -1),
    b"stream": lambda pipe, key: pipe.xrange(key),
}


def search(wanted: Wanted) -> Iterator[Trace]:
    with stack_redis.client() as client:
        keys: list[bytes] = []
        for key in client.scan_iter(count=AT_ONCE):
            keys.append(key)
            if len(keys) == AT_ONCE:
                yield from _among(client, keys, wanted)
                keys = []
        yield from _among(client, keys, wanted)


def _among(client: redis.Redis, keys: list[bytes], wanted: Wanted) -> Iterator[Trace]:
    asking = client.pipeline(transaction=False)
    for key in keys:
        asking.type(key)
    types = asking.execute() if keys else []
    reading = client.pipeline(transaction=False)
    for key, type_ in zip(keys, types, strict=True):
        _READ.get(type_, _READ[b"string"])(reading, key)
    for key, value in zip(keys, reading.execute(raise_on_error=False), strict=True):
        if wanted.within(key) or any(map(wanted.within, _bytes(value))):
            yield Trace("redis", key.decode(errors="replace"), 1, _until(client, key))


def _bytes(value: object) -> Iterator[bytes]:
    """Everything in a value, however it is nested."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _bytes(list(value.items()))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for one in value:
            yield from _bytes(one)


def _until(client: redis.Redis, key: bytes) -> str | None:
    if not key.startswith(REVOKED):
        return None
    seconds = max(0, int(client.ttl(key)))  # type: ignore[arg-type]
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return f"until {at:%F %T} UTC, when the last token of theirs has expired"
