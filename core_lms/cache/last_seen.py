"""Write-behind: when a person was last seen, noted in memory and written every few seconds.

A process that is stopped writes what it has; one that is killed loses the last few seconds'
notes, and the next request of the same person makes up for it. The table stands beside ``users``,
so that being seen neither waits for a change of the account nor gives it another ETag.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.caller import Caller
from stack.queries import load

log = logging.getLogger("core_lms.cache")

MOST = 100_000
"""People noted while Postgres is away; beyond, the ones not noted yet go unseen."""

_sql = load(__file__)


class LastSeen:
    """One per process."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.time) -> None:
        self._every_s, self._clock = every_s, clock
        self._seen: dict[tuple[str, str], float] = {}

    def note(self, caller: Caller) -> None:
        """A person made a request."""
        if caller.kind == "person" and caller.user_id is not None:
            key = caller.institution_id, caller.user_id
            if key in self._seen or len(self._seen) < MOST:
                self._seen[key] = self._clock()

    async def flush(self, pool: AsyncConnectionPool[Any]) -> int:
        """Write the notes, one statement per institution; returns how many. Those it cannot write
        it keeps, and raises."""
        seen, self._seen = self._seen, {}
        written = 0
        try:
            for institution_id in sorted({key[0] for key in seen}):
                own = sorted(key for key in seen if key[0] == institution_id)
                values = {
                    "institution_id": institution_id,
                    "user_ids": [user_id for _, user_id in own],
                    "moments": [datetime.fromtimestamp(seen[key], UTC) for key in own],
                }
                async with pool.connection() as connection, connection.transaction():
                    await connection.execute(_sql["tenant"], values)
                    await connection.execute(_sql["write"], values)
                for key in own:
                    del seen[key]
                written += len(own)
        finally:
            for key, at in seen.items():  # what is left over, unless seen again meanwhile
                self._seen.setdefault(key, at)
        return written

    async def keep_writing(self, pool: AsyncConnectionPool[Any]) -> None:
        """Flush until cancelled, and then once more."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(self._every_s)
                await self._try(pool)
        await self._try(pool)

    async def _try(self, pool: AsyncConnectionPool[Any]) -> None:
        try:
            await self.flush(pool)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("last-seen times wait", extra={"error": type(error).__name__})


class Seen:
    """ASGI middleware behind the limits: whoever is let in is seen."""

    def __init__(self, app: ASGIApp, last_seen: LastSeen) -> None:
        self._app, self._last_seen = app, last_seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller")
        if caller is not None:
            self._last_seen.note(caller)
        await self._app(scope, receive, send)
