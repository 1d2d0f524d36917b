"""Opening units of work: who may do what, in one Postgres transaction of one institution."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.params import Depends as Dependency
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from core_lms import answers, audit_trail
from core_lms.answers import Answer, Entry
from core_lms.cache.store import Cache
from core_lms.outbox import APPEND, rows
from core_lms.pools import AWAY, Pools
from core_lms.unit import TENANT, Unit, ask
from gateway.actions import Action, InstitutionId, caller_of, decide
from gateway.caller import Caller
from gateway.decision import Right
from gateway.errors import Forbidden, NotFound
from gateway.resource import Resource
from stack.roundtrip import Connection, Found, Statement

HISTORY = Right("history.write")
"""To say when something happened, however long ago, and under which id: for imports."""
SILENT = b"x-history"
"""The request header with which an import has its events marked as history."""

_BEGIN: Statement = ("BEGIN", {})
_COMMIT: Statement = ("COMMIT", {})


@asynccontextmanager
async def transaction(
    pool: AsyncConnectionPool[Connection],
    caller: Caller,
    *,
    key: str | None = None,
    about: Resource | None = None,
    first: Sequence[Statement] = (),
    cache: Cache | None = None,
) -> AsyncIterator[Unit]:
    """A unit in which only the caller's institution exists, with the facts of what it is ``about``.

    Commits on leaving, with the events; rolls everything back on an error. The first round trip
    begins, names the tenant, reads the facts and does what is asked; the last writes the events
    and commits. Raises ``NotFound`` where there is nothing to be about. The pool's connections are
    in autocommit: psycopg's own BEGIN and COMMIT each take a round trip more.
    """
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        facts, asked = await _open(connection, caller, about, first, _BEGIN)
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


async def _open(
    connection: Connection,
    caller: Caller,
    about: Resource | None,
    first: Sequence[Statement],
    *before: Statement,
) -> tuple[DictRow, list[Found]]:
    """The facts about ``about`` and what ``first`` found, in one round trip."""
    before = (*before, (TENANT, {"institution_id": caller.institution_id}))
    if about is None or about.SQL is None:
        found = await ask(connection, *before, *first)
        return {}, found[len(before) :]
    found = await ask(connection, *before, (about.SQL, about.params(caller)), *first)
    decisive, *found = found[len(before) :]
    if decisive.row is None:
        raise NotFound(f"there is no {about}")
    return decisive.row, found


async def _end(connection: Connection, unit: Unit, cache: Cache | None) -> None:
    """What a unit leaves for its end, its events and the commit, in one round trip."""
    audited = audit_trail.entry(unit)
    invalidated = answers.invalidated_by(unit.institution_id, unit.events)
    if invalidated and cache is not None:
        unit.afterwards.append(await cache.changing(invalidated, unit.through))
    if not (unit.events or audited or unit.at_commit):
        return
    statements = [statement for statement, _ in unit.at_commit]
    if audited:
        statements.append((audit_trail.INSERT, audited))
    if unit.events:
        statements.append((APPEND, rows(*unit.events, history=unit.history)))
    found = await ask(connection, *statements, _COMMIT)
    for (_, row), written in zip(unit.at_commit, found, strict=False):
        row.update(written.row or {})


async def _read(
    pool: AsyncConnectionPool[Connection],
    caller: Caller,
    about: Resource,
    query: str | None,
    values: dict[str, Any],
) -> Unit:
    named = {"institution_id": caller.institution_id, **values}
    first = [] if query is None else [(query, named)]
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        facts, asked = await _open(connection, caller, about, first)
    return Unit(cursor, caller, facts=facts, rows=asked[0].rows if asked else [])


@dataclass(frozen=True, slots=True)
class Units:
    """Opens the units of one request: its action, its caller, its idempotency key, its database."""

    pools: Pools
    caller: Caller
    action: str
    key: str | None = None
    cache: Cache = field(kw_only=True)
    response: Response = field(kw_only=True)
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
    async def begin(self, about: Resource, *first: Statement) -> AsyncIterator[Unit]:
        """A unit in which the caller may do the action to the resource, or ``Forbidden``.

        What it has to ask ``first`` in any case travels with the facts (``unit.asked``), before
        the decision: a refusal rolls it back. Raises ``Unauthenticated`` instead where nobody in
        particular asked, and ``NotFound`` where there is no such resource in the caller's
        institution.
        """
        async with transaction(
            self.pool, self.caller, key=self.key, about=about, first=first, cache=self.cache
        ) as unit:
            self._decide(unit, about)
            unit.history = self.history
            yield unit
            if unit.repeated:
                self.response.status_code = HTTPStatus.OK

    @asynccontextmanager
    async def read(
        self, about: Resource, query: str | None = None, **values: Any
    ) -> AsyncIterator[Unit]:
        """A unit that has read already: ``unit.rows`` are those of ``query``, and it reads no more.

        Without ``query`` it only decides. The tenant, the facts that decide and the rows are asked
        in one round trip, which is one transaction on the server. Raises like ``begin``; nobody
        sees rows who may not. Whom they are about is in the audit log before they leave the block.
        """
        unit = await _read(self.pools.primary, self.caller, about, query, values)
        self._decide(unit, about)
        yield unit
        await self._record(unit)

    async def cached(
        self,
        about: Resource,
        entry: Entry,
        render: Callable[[Unit], Answer],
        query: str,
        *,
        unless: Callable[[Unit], bool] = lambda unit: False,
        **values: Any,
    ) -> Answer:
        """The answer, from the cache or made of the rows of ``query``, for who may see it.

        ``unless`` names callers, by the facts, who get an answer of their own, which is not cached.
        Raises like ``read``.
        """
        found = await self.cache.find(entry)
        if isinstance(found, Answer):
            async with self.read(about) as unit:
                own = unless(unit)
            if not own:
                return found
            async with self.read(about, query, **values) as unit:
                return render(unit)
        try:
            async with self.read(about, query, **values) as unit:
                answer = render(unit)
            if not unless(unit):
                await found.fill(answer)
        finally:
            found.close()
        return answer

    @asynccontextmanager
    async def browse(self, about: Resource) -> AsyncIterator[Unit]:
        """Like ``begin``, for a list that may be seconds behind: at the replica, if there is one.

        Only where the decision asks nothing of the database: a permission is never seconds behind.
        Without the replica it is the primary's to answer.
        """
        replica = self.pools.replica_if_healthy() if about.SQL is None else None
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
        audited = audit_trail.entry(unit)
        if audited:
            unit.people.clear()
            async with transaction(self.pool, self.caller) as writing:
                await writing.cursor.execute(audit_trail.INSERT, audited)

    def _decide(self, unit: Unit, about: Resource) -> None:
        audit_trail.begin(unit, self.action, about, unit.facts.pop(audit_trail.PERSON_FACT, None))
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
class UnitAction(Action):
    """The dependency of a route that does its action in units of work."""

    async def __call__(
        self, request: Request, response: Response, institution_id: InstitutionId = None
    ) -> Units:
        return _units(request, response, self.action)


@dataclass(frozen=True)
class KeyedAction(Action):
    """The same for a route that creates or charges: repeating it is harmless."""

    async def __call__(
        self,
        request: Request,
        response: Response,
        institution_id: InstitutionId = None,
        key: _Key = None,
    ) -> Units:
        return _units(request, response, self.action, key)


def _units(request: Request, response: Response, action: str, key: str | None = None) -> Units:
    state, caller = request.app.state, caller_of(request)
    silent = any(name == SILENT for name, _ in request.scope["headers"])
    if silent and not HISTORY.of(caller):
        raise Forbidden("X-History is for imports (history.write)")
    return Units(
        state.pools,
        caller,
        action,
        key,
        cache=state.cache,
        response=response,
        history=silent,
    )


def action(name: str, *, keyed: bool = False) -> Dependency:
    """Declares what a route does: ``units: Annotated[Units, action("course.create", keyed=True)]``.

    ``keyed`` routes take an ``Idempotency-Key``.
    """
    return Depends(KeyedAction(name) if keyed else UnitAction(name))  # type: ignore[no-any-return]
