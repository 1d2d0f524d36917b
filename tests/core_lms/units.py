"""A transaction of the LMS for what a test does without a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from core_lms.unit import Unit
from core_lms.units import transaction
from gateway.caller import service
from stack.postgres import PostgresSettings, pool


def in_unit(
    institution_id: str, act: Callable[[Unit], Coroutine[Any, Any, Any]], name: str = "test"
) -> Any:
    """The result of ``act`` in a transaction of the institution, as the consumer ``name``."""

    async def run() -> Any:
        async with (
            pool(PostgresSettings().app_url) as database,
            transaction(database, service(name, institution_id)) as unit,
        ):
            return await act(unit)

    return asyncio.run(run())
