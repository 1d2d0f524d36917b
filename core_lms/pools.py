"""The connections of a process: one pool at the primary, one at a replica.

Nothing of a request outlives its transaction on the server, so the addresses may be those of a
pooler that hands out server connections per transaction (PgBouncer's ``transaction`` mode).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.telemetry import tracing
from stack.postgres import PostgresSettings, pool

log = logging.getLogger("core_lms")

WAIT_FOR_CONNECTION_S = 5.0
WAIT_FOR_REPLICA_S = 0.5
LEAVE_REPLICA_S = 5.0
"""A replica that was away is left alone for so long: readers do not each wait for it."""

AWAY = (psycopg.OperationalError, PoolTimeout)


@dataclass
class Pools:
    """The connections are in autocommit: what is sent in one pipeline is one transaction."""

    primary: AsyncConnectionPool[Any]
    replica: AsyncConnectionPool[Any] | None = None
    clock: Callable[[], float] = time.monotonic
    _replica_from: float = field(default=float("-inf"), init=False)

    def replica_if_healthy(self) -> AsyncConnectionPool[Any] | None:
        """The replica, where there is one that answers: for reads that may be seconds behind."""
        return self.replica if self.clock() >= self._replica_from else None

    def replica_failed(self, error: Exception) -> None:
        """Go to the primary for a while."""
        log.warning("the replica is away: reading from the primary", extra={"error": str(error)})
        self._replica_from = self.clock() + LEAVE_REPLICA_S

    async def forget_lost(self) -> None:
        """Look at every connection that waits in the pools, and replace those that are lost.

        Each is found out by whoever takes it; a server that was started anew lost all of them, and
        so many requests would fail one by one.
        """
        for one in self.named().values():
            with contextlib.suppress(PoolTimeout, TimeoutError):
                await asyncio.wait_for(one.check(), WAIT_FOR_CONNECTION_S)

    def named(self) -> dict[str, AsyncConnectionPool[Any]]:
        found = {"primary": self.primary}
        return found | ({"replica": self.replica} if self.replica is not None else {})


@asynccontextmanager
async def opened(settings: PostgresSettings) -> AsyncIterator[Pools]:
    """The pools, from now until the block ends; servers that are away are found later."""
    kwargs: dict[str, Any] = {"application_name": "learnstream-lms", **tracing.cursor_factory()}
    primary = pool(settings.app_url, **kwargs)
    pools = Pools(primary)
    primary.timeout = WAIT_FOR_CONNECTION_S
    if settings.replica_url is not None:
        pools.replica = pool(settings.replica_url, **kwargs)
        pools.replica.timeout = WAIT_FOR_REPLICA_S
    async with AsyncExitStack() as stack:
        for one in pools.named().values():
            await one.open(wait=False)
            stack.push_async_callback(one.close)
        yield pools
