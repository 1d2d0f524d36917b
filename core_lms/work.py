"""A unit of work: one Postgres transaction for a state change and the events that tell of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope, wrap
from contracts.event import UUID_PATTERN, Event
from core_lms import audit
from core_lms.access.caller import Caller
from core_lms.access.decision import allowed
from core_lms.access.resource import Resource
from core_lms.cache import answers
from core_lms.cache.store import Answer, Cache, Entry
from core_lms.errors import Forbidden, NotFound, Unauthenticated
from core_lms.outbox import append
from core_lms.pools import AWAY, Pools

_TENANT = "SELECT set_config('learnstream.institution_id', %s, true)"
"""Until the transaction ends, so that it also holds behind a pooler that shares connections."""


@dataclass(slots=True)
class Unit:
    """An open transaction of one institution; events emitted are written just before it commits.

    All locks on rows are taken before the locks on event keys, because every service reads and
    writes first and the events go out together at the end.
    """

    cursor: AsyncCursor[DictRow]
    caller: Caller
    key: str | None = None
    facts: DictRow = field(default_factory=dict)
    """What was read of the resource to decide: its attributes and the caller's relations to it."""
    rows: list[DictRow] = field(default_factory=list)
    """Of a unit that only looks: what it has read."""
    last: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Writes whose answer nobody waits for: sent in one round trip with the events, before them."""
    events: list[Envelope] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Done once the transaction has committed, and not done where it has not."""
    through: dict[Entry, Answer] = field(default_factory=dict)
    """New answers, kept once the transaction has committed (see ``core_lms.cache``)."""
    action: str = ""
    resource: str = ""
    people: set[str] = field(default_factory=set)
    """Whom the unit is about: with the action and the resource, what the audit log keeps of it."""

    @property
    def institution_id(self) -> str:
        return self.caller.institution_id

    @property
    def row(self) -> DictRow:
        """The only row of a unit that looks; raises ``NotFound`` where it has just gone."""
        if not self.rows:
            raise NotFound(f"there is no {self.resource}")
        return self.rows[0]

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


@asynccontextmanager
async def transaction(
    pool: AsyncConnectionPool[Any],
    caller: Caller,
    *,
    key: str | None = None,
    about: Resource | None = None,
    cache: Cache | None = None,
) -> AsyncIterator[Unit]:
    """A unit in which only the caller's institution exists, with the facts of what it is ``about``.

    Commits on leaving, with the events; rolls everything back on an error. The pool's connections
    are not in autocommit. The first round trip begins, names the tenant and reads the facts; the
    last writes the events and commits. Raises ``NotFound`` where there is nothing to be about.
    """
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        unit = Unit(cursor, caller, key, await _open(connection, cursor, caller, about))
        yield unit
        audited = audit.entry(unit)
        untrue = answers.untrue(caller.institution_id, unit.events)
        if untrue and cache is not None:
            unit.afterwards.append(await cache.changing(untrue, unit.through))
        if unit.events or audited or unit.last:
            async with connection.pipeline():
                for statement, values in unit.last:
                    await cursor.execute(statement, values)
                if audited:
                    await connection.execute(audit.INSERT, audited)
                if unit.events:
                    await append(cursor, *unit.events)
                await connection.commit()
    for act in unit.afterwards:
        await act()


async def _open(
    connection: AsyncConnection[Any],
    cursor: AsyncCursor[DictRow],
    caller: Caller,
    about: Resource | None,
) -> DictRow:
    async with connection.pipeline():
        await connection.execute(_TENANT, [caller.institution_id])
        if about is None or about.SQL is None:
            return {}
        await cursor.execute(about.SQL, about.params(caller))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no {about}")
    return row


async def _look(
    pool: AsyncConnectionPool[Any],
    caller: Caller,
    about: Resource,
    query: str | None,
    values: dict[str, Any],
) -> Unit:
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        decisive = connection.cursor(row_factory=dict_row)
        async with connection.pipeline():
            await connection.execute(_TENANT, [caller.institution_id])
            if about.SQL is not None:
                await decisive.execute(about.SQL, about.params(caller))
            if query is not None:
                named = {"institution_id": caller.institution_id, **values}
                await cursor.execute(query, named)
        facts = {} if about.SQL is None else await decisive.fetchone()
        rows = [] if query is None else await cursor.fetchall()
    if facts is None:
        raise NotFound(f"there is no {about}")
    return Unit(cursor, caller, facts=facts, rows=rows)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done (an action), who asks, under which idempotency key, where the data is."""

    pools: Pools
    caller: Caller
    action: str
    key: str | None = None
    cache: Cache = field(kw_only=True)

    @property
    def pool(self) -> AsyncConnectionPool[Any]:
        """Of the connections that write."""
        return self.pools.primary

    @asynccontextmanager
    async def begin(self, about: Resource) -> AsyncIterator[Unit]:
        """A unit in which the caller may do the action to the resource, or ``Forbidden``.

        Raises ``Unauthenticated`` instead where nobody in particular asked, and ``NotFound`` where
        there is no such resource in the caller's institution.
        """
        async with transaction(
            self.pool, self.caller, key=self.key, about=about, cache=self.cache
        ) as unit:
            self._decide(unit, about)
            yield unit

    @asynccontextmanager
    async def look(
        self, about: Resource, query: str | None = None, **values: Any
    ) -> AsyncIterator[Unit]:
        """A unit that has read already: ``unit.rows`` are those of ``query``, and that was all.

        Without ``query`` it only decides. The tenant, the facts that decide and the rows are asked
        in one round trip, which is one transaction on the server. Raises like ``begin``; nobody
        sees rows who may not. Whom they are about is in the audit log before they leave the block.
        """
        unit = await _look(self.pools.looking, self.caller, about, query, values)
        self._decide(unit, about)
        yield unit
        await self._record(unit)

    @asynccontextmanager
    async def browse(self, about: Resource) -> AsyncIterator[Unit]:
        """Like ``begin``, for a list that may be seconds behind: at the replica, if there is one.

        Only where the decision asks nothing of the database: a permission is never seconds behind.
        Without the replica it is the primary's to answer.
        """
        replica = self.pools.for_old_news() if about.SQL is None else None
        async with AsyncExitStack() as stack:
            unit = None
            if replica is not None:
                try:
                    unit = await stack.enter_async_context(transaction(replica, self.caller))
                except AWAY as error:
                    self.pools.replica_failed(error)
            if unit is None:
                replica = None
                unit = await stack.enter_async_context(transaction(self.pool, self.caller))
            self._decide(unit, about)
            yield unit
            if replica is not None:
                await self._record(unit)

    async def _record(self, unit: Unit) -> None:
        """Write to the audit log what a unit read that could not write itself."""
        audited = audit.entry(unit)
        if audited:
            unit.people.clear()
            async with transaction(self.pool, self.caller) as writing:
                await writing.cursor.execute(audit.INSERT, audited)

    def _decide(self, unit: Unit, about: Resource) -> None:
        audit.begin(unit, self.action, about, unit.facts.pop(audit.PERSON_FACT, None))
        if not allowed(self.caller, self.action, about.KIND, unit.facts):
            if self.caller.kind == "anonymous":
                raise Unauthenticated(f"{self.action} needs somebody who is logged in")
            raise Forbidden(f"{self.action} of {about} is not for you to do")


_InstitutionId = Annotated[
    str | None,
    Header(
        alias="X-Institution-Id",
        pattern=UUID_PATTERN,
        description="the tenant, where the credentials do not say it: anonymous requests, our own "
        "services, administrators of the whole installation",
    ),
]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="repeat a request with the same key and body: it is done once, and answered "
        "with 200 instead of 201. A canonical UUID becomes the resource's id",
    ),
]


@dataclass(frozen=True)
class Does:
    """The dependency of a route that does ``action``."""

    action: str

    async def __call__(self, request: Request, institution_id: _InstitutionId = None) -> Work:
        state = request.app.state
        return Work(state.pools, request.state.caller, self.action, cache=state.cache)


@dataclass(frozen=True)
class DoesKeyed(Does):
    """The same for a route that creates or charges: repeating it is harmless."""

    async def __call__(
        self, request: Request, institution_id: _InstitutionId = None, key: _Key = None
    ) -> Work:
        state = request.app.state
        return Work(state.pools, request.state.caller, self.action, key, cache=state.cache)


def does(action: str, *, keyed: bool = False) -> Dependency:
    """``work: Annotated[Work, does("course.create", keyed=True)]`` in a route's signature."""
    return Depends(DoesKeyed(action) if keyed else Does(action))  # type: ignore[no-any-return]
