"""A unit of work: one Postgres transaction for a state change and the events that tell of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope, wrap
from contracts.event import UUID_PATTERN, Event
from contracts.ids import DEFAULT_INSTITUTION
from core_lms.outbox import append


@dataclass(slots=True)
class Unit:
    """An open transaction of one institution; events emitted are written just before it commits.

    All locks on rows are taken before the locks on event keys, because every service reads and
    writes first and the events go out together at the end.
    """

    cursor: AsyncCursor[DictRow]
    institution_id: str
    key: str | None
    events: list[Envelope] = field(default_factory=list)

    def emit(
        self,
        event: Event,
        *,
        source: str,
        at: datetime | None = None,
        event_id: str | None = None,
    ) -> None:
        """Have ``event`` written to the outbox; ``at`` is when it happened, none means now."""
        self.events.append(
            wrap(
                event,
                institution_id=self.institution_id,
                source_service=source,
                timestamp=at,
                event_id=event_id,
            )
        )


@dataclass(frozen=True, slots=True)
class Work:
    """Who asks (which institution), under which idempotency key, and where the data is."""

    pool: AsyncConnectionPool[Any]
    institution_id: str
    key: str | None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Unit]:
        """Commits on leaving, with the events; rolls everything back on an error."""
        async with (
            self.pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            unit = Unit(cursor, self.institution_id, self.key)
            yield unit
            if unit.events:
                await append(cursor, *unit.events)


async def _work(
    request: Request,
    institution_id: Annotated[
        str,
        Header(alias="X-Institution-Id", pattern=UUID_PATTERN, description="the tenant"),
    ] = DEFAULT_INSTITUTION,
) -> Work:
    return Work(request.app.state.pool, institution_id, None)


async def _keyed_work(
    work: Annotated[Work, Depends(_work)],
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="repeat a request with the same key and body: it is done once, and "
            "answered with 200 instead of 201. A canonical UUID becomes the resource's id",
        ),
    ] = None,
) -> Work:
    return Work(work.pool, work.institution_id, key)


InWork = Annotated[Work, Depends(_work)]
InKeyedWork = Annotated[Work, Depends(_keyed_work)]
"""For routes that create something."""
