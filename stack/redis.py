"""Redis: online features, live counters, sessions and rate limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile


class RedisSettings(BaseSettings):
    """``LMS_REDIS_*``; ``url`` as redis-py reads it."""

    model_config = SettingsConfigDict(env_prefix="LMS_REDIS_", frozen=True)

    url: str = Field(default_factory=lambda: f"redis://127.0.0.1:{profile().port(16379)}/0")


def client() -> redis.Redis:
    return redis.Redis.from_url(RedisSettings().url)


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def async_client() -> redis.asyncio.Redis:
    """The one client, with its connections, of the running event loop; it gives up quickly."""
    loop = asyncio.get_running_loop()
    found = _of_loop.get(loop)
    if found is None:
        found = redis.asyncio.Redis.from_url(
            RedisSettings().url, socket_timeout=2.0, socket_connect_timeout=1.0
        )
        _of_loop[loop] = found
    return found


CONNECTIONS = 16
"""Of one process: each is busy for a tenth of a millisecond per request."""

Clients = Callable[[], redis.asyncio.Redis]
"""Gives the client of the running event loop."""


def clients(url: str, timeout_s: float) -> Clients:
    """Gives the client of the running event loop; requests beyond ``CONNECTIONS`` queue for one."""
    of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()

    def client() -> redis.asyncio.Redis:
        loop = asyncio.get_running_loop()
        found = of_loop.get(loop)
        if found is None:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
            )
            found = of_loop[loop] = redis.asyncio.Redis(connection_pool=pool)
        return found

    return client
