"""Server-sent events of one person's list: what was missed first, then what appears."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from core_lms.notifications import service
from core_lms.notifications.settings import settings
from core_lms.notifications.wake import alarm
from core_lms.units import transaction
from gateway.caller import Caller
from gateway.errors import NotFound

RETRY_MS = 3000


def event(entry: dict[str, Any]) -> str:
    data = json.dumps(entry, default=str, ensure_ascii=False)
    return f"id: {entry['number']}\nevent: notification\ndata: {data}\n\n"


async def events(
    pool: AsyncConnectionPool[Any], caller: Caller, user_id: UUID, number: int
) -> AsyncIterator[str]:
    """Holds no connection while it waits. Ends after a while: the client comes again, with a token
    that is still good.
    """
    own = settings()
    until = time.monotonic() + own.stream_minutes * 60
    bell = alarm()
    woken = bell.add(str(user_id))
    try:
        yield f"retry: {RETRY_MS}\n\n"
        while time.monotonic() < until:
            woken.clear()
            try:
                async with transaction(pool, caller) as unit:
                    found = await service.since(unit, user_id, number)
            except NotFound:
                return  # erased meanwhile
            for entry in found:
                number = entry["number"]
                yield event(entry)
            if found:
                continue
            try:
                await asyncio.wait_for(woken.wait(), own.stream_heartbeat_s)
            except TimeoutError:
                yield ": still there\n\n"
    finally:
        bell.remove(str(user_id), woken)
