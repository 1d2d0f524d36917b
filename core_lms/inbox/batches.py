"""One transaction: the events of one partition applied, and the position moved behind them."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import psycopg
from opentelemetry.trace import SpanKind
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope, decode
from contracts.errors import Rejected, Retryable
from core_lms.inbox.declarations import Consumer
from core_lms.inbox.failpoint import reached
from core_lms.inbox.handling import handled, unit_of
from core_lms.inbox.settings import InboxSettings
from core_lms.inbox.waits import Partition
from core_lms.outbox import append
from core_lms.unit import TENANT, Unit
from gateway.telemetry import tracing
from stack.queries import load

log = logging.getLogger("core_lms.inbox")

sql = load(__file__)


@dataclass(frozen=True, slots=True)
class Record:
    """One message as Kafka has it."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    traceparent: str | None = None
    """The trace in which the event was written, if any."""
    history: bool = False
    """Whether it is marked as history."""


_beginning = re.compile(rb'\{"event_id":"[0-9a-f-]{36}","event_type":"([a-z_.]{1,64})",')


def is_other(value: bytes | None, wanted: AbstractSet[str]) -> bool:
    """Whether the first bytes of a message say that it is none of the ``wanted`` types.

    It is one that begins as our envelopes do. Millions of them pass a consumer that wants a few;
    decoding each would cost eight times as much. Whether it is well-formed is the archive's to say.
    """
    found = _beginning.match(value or b"")
    return found is not None and found[1].decode() not in wanted


Interests = dict[str, Callable[[Envelope], bool]]
"""What the institutions of a batch want, as far as it was asked."""


@dataclass(slots=True)
class Outcome:
    """What a transaction came to: where the partition stands, and whether it must wait."""

    next_offset: int
    blocked: Exception | None = None
    """The event at ``next_offset`` cannot be applied yet."""
    late: bool = False
    """Another process has moved the position."""
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Batches:
    """Applies batches for one consumer; counts the tries of events that fail unforeseen."""

    consumer: Consumer
    pool: AsyncConnectionPool[Any]
    settings: InboxSettings
    _tries: Counter[tuple[str, int, int]] = field(default_factory=Counter)

    async def apply(
        self, partition: Partition, records: Sequence[Record], known_offset: int, end: int
    ) -> Outcome:
        """Apply ``records``: all of the partition from ``known_offset`` to before ``end`` that is
        not to be passed over.

        Everything up to the first event that has to wait is committed together with the position,
        or nothing is. Where the position is not ``known_offset``, another process has moved it:
        nothing is applied and the outcome says where to go on.
        """
        name, (topic, number) = self.consumer.name, partition
        where = {"consumer": name, "topic": topic, "partition": number}
        async with (
            self.pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            position = await self._lock(cursor, where)
            if position != known_offset:
                return Outcome(position, late=True, counts=Counter(late=len(records)))
            reached("locked")
            outcome = Outcome(position)
            emitted: list[Envelope] = []
            history: set[str] = set()
            traces: set[str | None] = set()
            afterwards: list[Callable[[], Awaitable[None]]] = []
            interests: Interests = {}
            for record in records:
                if record.offset < position:
                    continue  # fetched a second time, after a step back
                try:
                    became, unit = await self._one(connection, cursor, record, interests)
                except _Blocked as error:
                    outcome.blocked = error.why
                    outcome.next_offset = record.offset
                    break
                if unit is not None:
                    emitted += unit.events
                    if unit.events:
                        traces.add(record.traceparent)
                    if record.history:
                        history.update(envelope.event_id for envelope in unit.events)
                    afterwards += unit.afterwards
                outcome.counts[became] += 1
            else:
                outcome.next_offset = max(end, position)
            if emitted:
                # All at once, for the order of the locks; events of several traces carry none.
                with tracing.span("append", traceparent=traces.pop() if len(traces) == 1 else None):
                    await append(cursor, *emitted, history=history)
                reached("appended")
            if outcome.next_offset != position:
                await cursor.execute(sql["move"], {**where, "next_offset": outcome.next_offset})
                reached("moved")
        reached("committed")
        for act in afterwards:
            await act()
        return outcome

    async def _lock(self, cursor: AsyncCursor[DictRow], where: dict[str, Any]) -> int:
        await cursor.execute(sql["hold"], {"hold": f"{int(self.settings.hold_s * 1000)}ms"})
        await cursor.execute(sql["lock"], where)
        row = await cursor.fetchone()
        if row is None:
            raise Retryable(f"{self.consumer.name} has no position: it is registered anew")
        return int(row["next_offset"])

    async def _one(
        self,
        connection: AsyncConnection[Any],
        cursor: AsyncCursor[DictRow],
        record: Record,
        interests: Interests,
    ) -> tuple[str, Unit | None]:
        """What became of one message; raises ``_Blocked`` where it has to wait."""
        if record.history and not self.consumer.history:
            return "passed", None
        try:
            envelope = decode(record.topic, record.value)
        except Rejected as error:
            # The archive keeps it as a dead letter; here it only must not stop the others.
            log.warning("malformed message passed over", extra=self._facts(record, error.reason))
            return "malformed", None
        passes = self.consumer.passes
        if envelope.event_type not in self.consumer.event_types or (passes and passes(envelope)):
            return "passed", None
        place = (record.topic, record.partition, record.offset)
        try:
            if not await self._wanted(connection, cursor, envelope, interests):
                return "passed", None
            what = f"{self.consumer.name} {envelope.event_type}"
            with tracing.span(what, SpanKind.CONSUMER, record.traceparent):
                unit = await handled(connection, cursor, self.consumer, envelope)
        except Retryable as error:
            raise _Blocked(error) from None
        except Rejected as error:
            await self._set_aside(cursor, record, envelope, error.message)
            return "failed", None
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # the server or our place in it is lost: begin again
        except Exception as error:
            self._tries[place] += 1
            log.warning(
                "handler failed",
                exc_info=error,
                extra={**self._facts(record), "event_id": envelope.event_id},
            )
            if self._tries[place] < self.settings.attempts:
                raise _Blocked(error) from None
            del self._tries[place]
            await self._set_aside(cursor, record, envelope, f"unforeseen: {type(error).__name__}")
            return "failed", None
        self._tries.pop(place, None)
        if unit is None:
            facts = {**self._facts(record), "event_id": envelope.event_id}
            log.warning("no row of ours says so: no effect", extra=facts)
            return "unconfirmed", None
        reached("handled")
        return "applied", unit

    async def _wanted(
        self,
        connection: AsyncConnection[Any],
        cursor: AsyncCursor[DictRow],
        envelope: Envelope,
        interests: Interests,
    ) -> bool:
        """Whether the event's institution cares, which is asked where ``interests`` lacks it."""
        if self.consumer.interest is None:
            return True
        institution_id = envelope.institution_id
        if institution_id not in interests:
            async with connection.transaction():
                unit = await unit_of(cursor, self.consumer, institution_id)
                interests[institution_id] = await self.consumer.interest(unit)
        return interests[institution_id](envelope)

    async def _set_aside(
        self, cursor: AsyncCursor[DictRow], record: Record, envelope: Envelope, reason: str
    ) -> None:
        await cursor.execute(TENANT, {"institution_id": envelope.institution_id})
        await cursor.execute(
            sql["fail"],
            {
                "consumer": self.consumer.name,
                "event_id": envelope.event_id,
                "event_type": envelope.event_type,
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "reason": reason,
                "message": envelope.encode().decode(),
                "history": record.history,
                "institution_id": envelope.institution_id,
            },
        )
        log.error(
            "event set aside: see learnstream inbox failures",
            extra={**self._facts(record, reason), "event_id": envelope.event_id},
        )

    def _facts(self, record: Record, reason: str | None = None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "consumer": self.consumer.name,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
        }
        return facts if reason is None else {**facts, "reason": reason}


class _Blocked(Exception):
    """Internal: the event has to wait for ``why``."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why
