"""Redis: online features, live counters, sessions and rate limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio.connection import AbstractConnection, ConnectionPool

from stack import principals, tls
from stack.profile import profile


class RedisSettings(BaseSettings):
    """``LMS_REDIS_*``; ``url`` as redis-py reads it.

    One that names no user gets the name and the password of this process's principal.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_REDIS_", frozen=True)

    url: str = Field(default_factory=lambda: f"redis://127.0.0.1:{profile().port(16379)}/0")

    @field_validator("url", mode="after")
    @classmethod
    def _as_this_process(cls, url: str) -> str:
        return tls.redis_url(principals.with_login(url, principals.current()))


def client(**options: Any) -> redis.Redis:
    """A client of ``LMS_REDIS_URL`` as this process's principal; ``options`` are redis-py's."""
    url = RedisSettings().url
    made: redis.Redis = redis.Redis.from_url(url, **tls.redis_options(url), **options)
    return made


def new_async_client(**options: Any) -> redis.asyncio.Redis:
    """One with connections of its own, which its maker closes."""
    url = RedisSettings().url
    made: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
        url, **tls.redis_options(url), **options
    )
    return made


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def async_client() -> redis.asyncio.Redis:
    """The one client, with its connections, of the running event loop; it gives up quickly."""
    loop = asyncio.get_running_loop()
    found = _of_loop.get(loop)
    if found is None:
        found = new_async_client(socket_timeout=2.0, socket_connect_timeout=1.0)
        _of_loop[loop] = found
    return found


CONNECTIONS = 16
"""Of one process: each is busy for a tenth of a millisecond per request."""


class QueueingPool(ConnectionPool):
    """Who finds all connections taken waits for one.

    As ``BlockingConnectionPool`` does it, without its condition variable, which costs as much as
    the command where nobody has to wait.
    """

    def __init__(self, *, max_connections: int, wait_s: float, **kwargs: Any) -> None:
        super().__init__(max_connections=max_connections, **kwargs)
        self._free, self._wait_s = asyncio.Semaphore(max_connections), wait_s

    async def get_connection(self, *args: Any, **kwargs: Any) -> AbstractConnection:
        """Raises ``redis.ConnectionError`` where none was free in time."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._free.acquire()
            except TimeoutError:
                raise redis.ConnectionError("no connection was free in time") from None
        else:
            await self._free.acquire()  # at once
        try:
            connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        try:
            await super().release(connection)
        finally:
            self._free.release()


Clients = Callable[[], redis.asyncio.Redis]
"""Gives the client of the running event loop."""


def clients(url: str, timeout_s: float) -> Clients:
    """Gives the client of the running event loop; requests beyond ``CONNECTIONS`` queue for one."""
    of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()

    def client() -> redis.asyncio.Redis:
        loop = asyncio.get_running_loop()
        found = of_loop.get(loop)
        if found is None:
            pool = QueueingPool.from_url(
                url,
                max_connections=CONNECTIONS,
                wait_s=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                **tls.redis_options(url),
            )
            found = of_loop[loop] = redis.asyncio.Redis(connection_pool=pool)
        return found

    return client
