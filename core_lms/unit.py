"""One unit of work: an open Postgres transaction with a state change and the events that record it.

``core_lms.units`` opens units; contexts read and write through them, with rows as dataclasses::

    @dataclass(frozen=True, slots=True)
    class ApiKey:
        id: UUID
        name: str

    key = await unit.one(ApiKey, _sql["get"], id=id_)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from psycopg import AsyncCursor
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.envelope import Envelope, wrap
from contracts.event import Event
from core_lms.answers import Answer, Entry
from gateway.caller import Caller
from gateway.decision import Right
from gateway.errors import Conflict, NotFound
from gateway.telemetry import tracing
from stack.roundtrip import Connection, Found, Statement

Row = TypeVar("Row")
"""A dataclass or a model of pydantic whose fields are the columns of a query."""


def found(row: Row | None, otherwise: str) -> Row:
    """The row; raises ``NotFound`` saying ``otherwise`` where there is none."""
    if row is None:
        raise NotFound(otherwise)
    return row


TENANT = "SELECT set_config('learnstream.institution_id', %(institution_id)s, true)"
"""Until the transaction ends, so that it also holds behind a pooler that shares connections."""


async def ask(connection: Connection, *statements: Statement) -> list[Found]:
    """Send the statements in one round trip, traced; they are executed in this order."""
    with tracing.statements(*(query for query, _ in statements)):
        return await connection.ask(*statements)


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
    """What a unit that only reads has read."""
    asked: list[Found] = field(default_factory=list)
    """What the statements found that the unit began with."""
    at_commit: list[tuple[Statement, DictRow]] = field(default_factory=list)
    """See ``write_at_commit``."""
    shared: bool = False
    """Whether others write in the same transaction, which does not end with this unit."""
    clash: Callable[[UniqueViolation], Exception] | None = None
    """What to raise where a row that the unit writes is there already."""
    events: list[Envelope] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Done once the transaction has committed, and not done where it has not."""
    through: dict[Entry, Answer] = field(default_factory=dict)
    """New answers, kept once the transaction has committed (see ``core_lms.cache``)."""
    repeated: bool = False
    """Whether what the request makes was there already: then it is answered with 200."""
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
        """The only row of a unit that only reads; raises ``NotFound`` where it has just gone."""
        if not self.rows:
            raise NotFound(f"there is no {self.resource}")
        return self.rows[0]

    def may(self, right: Right) -> bool:
        """Whether the caller has a right to what the unit is about."""
        return right.of(self.caller, self.kind, self.facts)

    def conflicts(
        self, otherwise: str, **constraints: str
    ) -> Callable[[UniqueViolation], Exception]:
        """What the ``Conflict`` says where a row that is written from now on is there already.

        ``constraints`` say it for the constraints of these names, ``otherwise`` for all others.
        """

        def clash(error: UniqueViolation) -> Conflict:
            return Conflict(constraints.get(error.diag.constraint_name or "", otherwise))

        self.clash = clash
        return clash

    async def one(self, row: Callable[..., Row], query: str, /, **values: Any) -> Row | None:
        """The first row of ``query``, if there is one; ``institution_id`` is bound as well.

        ``row`` is a dataclass, or what makes one of the columns.
        """
        await self.execute(query, **values)
        first = await self.cursor.fetchone()
        return None if first is None else row(**first)

    async def all(self, row: Callable[..., Row], query: str, /, **values: Any) -> list[Row]:
        """Every row of ``query``; ``institution_id`` is bound as well."""
        await self.execute(query, **values)
        return [row(**each) for each in await self.cursor.fetchall()]

    async def need(self, row: Callable[..., Row], query: str, what: str, /, **values: Any) -> Row:
        """Like ``one``; raises ``NotFound`` naming ``what`` where there is no row."""
        return found(await self.one(row, query, **values), f"there is no {what}")

    async def value(self, query: str, /, **values: Any) -> Any:
        """The first column of the first row of ``query``; None where there is no row."""
        return next(iter(await self.values(query, **values)), None)

    async def values(self, query: str, /, **values: Any) -> list[Any]:
        """The first column of every row of ``query``; ``institution_id`` is bound as well."""
        await self.execute(query, **values)
        return [next(iter(row.values())) for row in await self.cursor.fetchall()]

    async def execute(self, query: str, /, **values: Any) -> int:
        """The number of rows written or read; ``institution_id`` is bound as well."""
        named = {"institution_id": self.institution_id, **values}
        await self.cursor.execute(query, named)
        return self.cursor.rowcount

    async def enter(self, caller: Caller) -> None:
        """From here on the unit sees the rows of this caller's institution, on their behalf."""
        if caller != self.caller:
            self.caller = caller
            await self.execute(TENANT)

    async def ask(self, *statements: Statement) -> list[Found]:
        """Send the statements in one round trip; they are executed in this order."""
        connection = self.cursor.connection
        assert isinstance(connection, Connection), "our pools make no others"
        return await ask(connection, *statements)

    def write_at_commit(self, query: str, values: Mapping[str, Any]) -> DictRow:
        """Write in the round trip that writes the events and commits, before them.

        Returns the row that ``query`` returns: empty until the unit has ended. What goes wrong is
        raised there. A unit that shares its transaction has no such round trip: it raises
        ``TypeError``.
        """
        if self.shared:
            raise TypeError("this unit shares its transaction with others: it has to write at once")
        row: DictRow = {}
        self.at_commit.append(((query, values), row))
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
        named = {"institution_id": self.institution_id, "source_service": source}
        self.events.append(wrap(event, timestamp=at, event_id=event_id, **named))
