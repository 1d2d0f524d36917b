"""A unit of work: one Postgres transaction for a state change and the events that tell of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency
from psycopg import AsyncCursor
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope, wrap
from contracts.event import Event
from core_lms import audit
from core_lms.cache import answers
from core_lms.cache.store import Answer, Cache, Entry
from core_lms.outbox import APPEND, rows
from core_lms.pools import AWAY, Pools
from gateway.actions import Action, InstitutionId, decide
from gateway.caller import Caller
from gateway.decision import Right
from gateway.errors import Forbidden, NotFound
from gateway.resource import Resource
from gateway.telemetry import tracing
from stack.roundtrip import Connection, Found, Statement

HISTORY = Right("history.write")
"""To say when something happened, however long ago, and under which id: for imports."""
SILENT = b"x-history"
"""The request header with which an import has its events marked as history."""

_BEGIN: Statement = ("BEGIN", {})
_COMMIT: Statement = ("COMMIT", {})
_TENANT = "SELECT set_config('learnstream.institution_id', %(institution_id)s, true)"
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
    asked: list[Found] = field(default_factory=list)
    """What the statements found that the unit began with."""
    last: list[tuple[Statement, DictRow]] = field(default_factory=list)
    """See ``write_last``."""
    shared: bool = False
    """Whether others write in the same transaction, which does not end with this unit."""
    clash: Callable[[UniqueViolation], Exception] | None = None
    """What to raise where a row that the unit writes is there already."""
    events: list[Envelope] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Done once the transaction has committed, and not done where it has not."""
    through: dict[Entry, Answer] = field(default_factory=dict)
    """New answers, kept once the transaction has committed (see ``core_lms.cache``)."""
    history: bool = False
    """Whether the events are marked as history: nobody is notified (``contracts.history``)."""
    action: str = ""
    resource: str = ""
    kind: str = ""
    """Of the resource; empty where no policy was asked."""
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

    def may(self, right: Right) -> bool:
        """Whether the caller has a right to what the unit is about."""
        return right.of(self.caller, self.kind, self.facts)

    async def ask(self, *statements: Statement) -> list[Found]:
        """Send the statements in one round trip; they are executed in this order."""
        connection = self.cursor.connection
        assert isinstance(connection, Connection), "our pools make no others"
        return await _ask(connection, *statements)

    def write_last(self, query: str, values: Mapping[str, Any]) -> DictRow:
        """Write in the round trip that writes the events and commits, before them.

        Returns the row that ``query`` returns: empty until the unit has ended. What goes wrong is
        raised there. A unit that shares its transaction has no such round trip.
        """
        if self.shared:
            raise TypeError("this unit shares its transaction with others: it has to write at once")
        row: DictRow = {}
        self.last.append(((query, values), row))
        return row

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
    pool: AsyncConnectionPool[Connection],
    caller: Caller,
    *,
    key: str | None = None,
    about: Resource | None = None,
    ask: Sequence[Statement] = (),
    cache: Cache | None = None,
) -> AsyncIterator[Unit]:
    """A unit in which only the caller's institution exists, with the facts of what it is ``about``.

    Commits on leaving, with the events; rolls everything back on an error. The first round trip
    begins, names the tenant, reads the facts and does what is asked; the last writes the events
    and commits. Raises ``NotFound`` where there is nothing to be about. The pool's connections are
    in autocommit: psycopg's own BEGIN and COMMIT each take a round trip more.
    """
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        facts, asked = await _open(connection, caller, about, ask, _BEGIN)
        unit = Unit(cursor, caller, key, facts, asked=asked)
        try:
            yield unit
            await _end(connection, unit, cache)
        except UniqueViolation as error:
            if unit.clash is None:
                raise
            raise unit.clash(error) from None
    for act in unit.afterwards:
        await act()


async def _ask(connection: Connection, *statements: Statement) -> list[Found]:
    with tracing.statements(*(query for query, _ in statements)):
        return await connection.ask(*statements)


async def _open(
    connection: Connection,
    caller: Caller,
    about: Resource | None,
    ask: Sequence[Statement],
    *before: Statement,
) -> tuple[DictRow, list[Found]]:
    """The facts about ``about`` and what ``ask`` found, in one round trip."""
    before = (*before, (_TENANT, {"institution_id": caller.institution_id}))
    if about is None or about.SQL is None:
        found = await _ask(connection, *before, *ask)
        return {}, found[len(before) :]
    found = await _ask(connection, *before, (about.SQL, about.params(caller)), *ask)
    decisive, *found = found[len(before) :]
    if decisive.row is None:
        raise NotFound(f"there is no {about}")
    return decisive.row, found


async def _end(connection: Connection, unit: Unit, cache: Cache | None) -> None:
    """What a unit leaves for its end, its events and the commit, in one round trip."""
    audited = audit.entry(unit)
    untrue = answers.untrue(unit.institution_id, unit.events)
    if untrue and cache is not None:
        unit.afterwards.append(await cache.changing(untrue, unit.through))
    if not (unit.events or audited or unit.last):
        return
    statements = [statement for statement, _ in unit.last]
    if audited:
        statements.append((audit.INSERT, audited))
    if unit.events:
        statements.append((APPEND, rows(*unit.events, history=unit.history)))
    found = await _ask(connection, *statements, _COMMIT)
    for (_, row), written in zip(unit.last, found, strict=False):
        row.update(written.row or {})


async def _look(
    pool: AsyncConnectionPool[Connection],
    caller: Caller,
    about: Resource,
    query: str | None,
    values: dict[str, Any],
) -> Unit:
    named = {"institution_id": caller.institution_id, **values}
    ask = [] if query is None else [(query, named)]
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        facts, asked = await _open(connection, caller, about, ask)
    return Unit(cursor, caller, facts=facts, rows=asked[0].rows if asked else [])


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done (an action), who asks, under which idempotency key, where the data is."""

    pools: Pools
    caller: Caller
    action: str
    key: str | None = None
    cache: Cache = field(kw_only=True)
    history: bool = False
    """Whether the events are to be marked as history (``SILENT``)."""

    @property
    def institution_id(self) -> str:
        return self.caller.institution_id

    @property
    def pool(self) -> AsyncConnectionPool[Connection]:
        """Of the connections that write."""
        return self.pools.primary

    @asynccontextmanager
    async def begin(self, about: Resource, *ask: Statement) -> AsyncIterator[Unit]:
        """A unit in which the caller may do the action to the resource, or ``Forbidden``.

        What it has to ``ask`` first in any case travels with the facts (``unit.asked``), before
        the decision: a refusal rolls it back. Raises ``Unauthenticated`` instead where nobody in
        particular asked, and ``NotFound`` where there is no such resource in the caller's
        institution.
        """
        async with transaction(
            self.pool, self.caller, key=self.key, about=about, ask=ask, cache=self.cache
        ) as unit:
            self._decide(unit, about)
            unit.history = self.history
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
        unit = await _look(self.pools.primary, self.caller, about, query, values)
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
        unit.kind = about.KIND
        decide(self.caller, self.action, about.KIND, unit.facts, about)


_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="repeat a request with the same key and body: it is done once, and answered "
        "with 200 instead of 201. A key is its sender's own: the same from somebody else is "
        "another one. From a caller with `history.write` a canonical UUID becomes the resource's "
        "id",
    ),
]


@dataclass(frozen=True)
class Does(Action):
    """The dependency of a route that does ``action`` in a unit of work."""

    async def __call__(self, request: Request, institution_id: InstitutionId = None) -> Work:
        return _work(request, self.action)


@dataclass(frozen=True)
class DoesKeyed(Does):
    """The same for a route that creates or charges: repeating it is harmless."""

    async def __call__(
        self, request: Request, institution_id: InstitutionId = None, key: _Key = None
    ) -> Work:
        return _work(request, self.action, key)


def _work(request: Request, action: str, key: str | None = None) -> Work:
    state, caller = request.app.state, request.state.caller
    silent = any(name == SILENT for name, _ in request.scope["headers"])
    if silent and not HISTORY.of(caller):
        raise Forbidden("X-History is for imports (history.write)")
    return Work(state.pools, caller, action, key, cache=state.cache, history=silent)


def does(action: str, *, keyed: bool = False) -> Dependency:
    """``work: Annotated[Work, does("course.create", keyed=True)]`` in a route's signature."""
    return Depends(DoesKeyed(action) if keyed else Does(action))  # type: ignore[no-any-return]
