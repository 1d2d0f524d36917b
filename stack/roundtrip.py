"""Connections that send several statements to Postgres together: one round trip for all.

psycopg's own pipeline sends every statement by itself, each with its system calls here and its
wake-up of the server, and gives each a cursor. This one hands libpq (``psycopg.pq``) all of them
and one sync, with psycopg's adaptation of values and its errors. With ``pipeline()`` behind
``ask``, ``bench lms`` takes 41 % more processor time for a write and 39 % more for a read
(``docs/performance.md``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import Any, NamedTuple, Self

from psycopg import AsyncConnection, AsyncCursor, Column, abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import (
    FeatureNotSupported,
    InterfaceError,
    InvalidSqlStatementName,
    NotSupportedError,
    OperationalError,
    error_from_result,
)
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow, dict_row

Values = Mapping[str, Any] | Sequence[Any]
Statement = tuple[str, Values]
"""A query and its values, as for a cursor: ``%(name)s`` or ``%s``, with ``b`` in binary."""

PREPARED = 1000
"""Statements that one connection keeps prepared: more than the code has."""

_placeholder = re.compile(r"%(?:%|(?:\((\w+)\))?([sbt]))")
_FORMATS = {"s": PyFormat.AUTO, "b": PyFormat.BINARY, "t": PyFormat.TEXT}
_OUTDATED = (FeatureNotSupported, InvalidSqlStatementName)
"""Said of a statement whose tables were changed since it was prepared, or that is gone."""
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)


@dataclass(frozen=True, slots=True)
class Found:
    """What a statement did: the number of rows it wrote or read, and those it returned."""

    count: int
    rows: list[DictRow]

    @property
    def row(self) -> DictRow | None:
        """The first, if there is one."""
        return self.rows[0] if self.rows else None


class _Query(NamedTuple):
    """As the server reads it: ``$1`` for the first name, wherever it stands."""

    text: bytes
    names: Sequence[str | int]
    formats: Sequence[PyFormat]


class _Sent(NamedTuple):
    """A statement under way; ``parsed`` is the one that it is to be prepared as, if it is new."""

    key: tuple[bytes, tuple[int, ...]]
    parsed: bytes | None


class Connection(AsyncConnection[Any]):
    """A connection of psycopg that can ``ask``; its cursors of dictionaries do.

    Made with ``prepare_threshold=None``: psycopg would deallocate our statements with its own at
    every rollback.
    """

    prepares = True
    """Whether statements are prepared when they are first asked."""
    _transformer: abc.Transformer | None = None
    _known: dict[tuple[bytes, tuple[int, ...]], bytes]
    _columns: dict[bytes, list[str]]
    _numbers: count[int]

    async def ask(self, *statements: Statement) -> list[Found]:
        """Send ``statements``, in this order, and wait for all answers.

        In autocommit and outside a transaction, they are one. Raises the error of the first that
        fails; those after it are not executed. Being cancelled here closes the connection.
        """
        if self.closed:
            raise OperationalError("the connection is closed")
        if self._transformer is None:
            if self.prepare_threshold is not None:
                raise InterfaceError("open the connection with prepare_threshold=None")
            self._transformer = Transformer.from_context(self)
            self._known, self._columns, self._numbers = {}, {}, count()
        adapted = [self._adapt(*statement) for statement in statements]
        self.pgconn.enter_pipeline_mode()
        try:
            sent = [self._send(*statement) for statement in adapted]
            self.pgconn.pipeline_sync()
            results = await self._results()
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            self.pgconn.finish()  # it may hold half of what was asked or answered
            raise
        return self._read(sent, results)

    def _adapt(self, text: str, values: Any) -> tuple[bytes, tuple[int, ...], Any, Any]:
        """Query, types, values and their formats; before anything is sent, for a value may be one
        that Postgres cannot hold.
        """
        query, tx = _query(text), self._transformer
        assert tx is not None
        params = tx.dump_sequence([values[name] for name in query.names], query.formats)
        return query.text, tx.types or (), params, tx.formats

    def _send(self, text: bytes, types: tuple[int, ...], params: Any, formats: Any) -> _Sent:
        pgconn, key = self.pgconn, (text, types)
        name = self._known.get(key)
        if name is None and (not self.prepares or len(self._known) >= PREPARED):
            pgconn.send_query_params(text, params, types, formats)
            return _Sent(key, None)
        parsed = None
        if name is None:
            name = parsed = b"asked_%d" % next(self._numbers)
            pgconn.send_prepare(parsed, text, types)
        pgconn.send_query_prepared(name, params, formats)
        return _Sent(key, parsed)

    async def _results(self) -> list[PGresult]:
        """All results up to the sync, one per message sent."""
        pgconn = self.pgconn
        found: list[PGresult] = []
        while True:
            # A server that waits for us to read does not read: both, until all is sent.
            await _ready(pgconn.socket, writing=bool(pgconn.flush()))
            pgconn.consume_input()
            between = True
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:  # ends one message's results; where nothing began, all there is
                    if between:
                        break
                    between = True
                    continue
                between = False
                if result.status == ExecStatus.PIPELINE_SYNC:
                    return found
                found.append(result)

    def _read(self, sent: Sequence[_Sent], results: Sequence[PGresult]) -> list[Found]:
        found = []
        error = None
        answers = iter(results)
        for key, parsed in sent:
            result = next(answers)
            if parsed is not None:
                if result.status == ExecStatus.COMMAND_OK:
                    self._known[key] = parsed
                    result = next(answers)
                else:
                    next(answers)
            if result.status in _FAILED:
                error = error or result
            elif error is None:
                found.append(self._found(key[0], result))
        if error is not None:
            raised = error_from_result(error, encoding=self.info.encoding)
            if isinstance(raised, _OUTDATED):
                self._known.clear()  # under new names the next time
                self._columns.clear()
            raise raised
        return found

    def _found(self, text: bytes, result: PGresult) -> Found:
        touched = result.command_tuples or 0
        if not result.ntuples:
            return Found(touched, [])
        columns = self._columns.get(text)
        if columns is None or len(columns) != result.nfields:
            names = (result.fname(number) or b"" for number in range(result.nfields))
            columns = [name.decode(self.info.encoding) for name in names]
            self._columns[text] = columns
        tx = self._transformer
        assert tx is not None
        tx.set_pgresult(result)
        return Found(touched, tx.load_rows(0, result.ntuples, partial(_row, columns)))


class Unprepared(Connection):
    """For a pooler that does not know prepared statements."""

    prepares = False


class Cursor(AsyncCursor[Any]):
    """A cursor that has its connection ``ask``, where its rows are dictionaries."""

    _answer: Found | None = None

    async def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, **options: Any
    ) -> Self:
        connection = self.connection
        if not (
            isinstance(query, str)
            and isinstance(connection, Connection)
            and self.row_factory is dict_row
            and prepare is None
            and not options
        ):
            self._answer = None
            return await super().execute(query, params, prepare=prepare, **options)
        [self._answer] = await connection.ask((query, () if params is None else params))
        self._read = 0
        return self

    async def fetchone(self) -> Any:
        if self._answer is None:
            return await super().fetchone()
        return next(iter(self._taken(1)), None)

    async def fetchmany(self, size: int = 0) -> list[Any]:
        if self._answer is None:
            return await super().fetchmany(size)
        return self._taken(size or self.arraysize)

    async def fetchall(self) -> list[Any]:
        if self._answer is None:
            return await super().fetchall()
        return self._taken(len(self._answer.rows))

    @property
    def description(self) -> list[Column] | None:
        if self._answer is not None:
            raise NotSupportedError("what was asked has rows, not columns: fetch them")
        return super().description

    def _taken(self, most: int) -> list[Any]:
        assert self._answer is not None
        rows = self._answer.rows[self._read : self._read + most]
        self._read += len(rows)
        return rows

    @property
    def rowcount(self) -> int:
        return super().rowcount if self._answer is None else self._answer.count


def _row(columns: Sequence[str], values: Sequence[Any]) -> DictRow:
    return dict(zip(columns, values, strict=True))


async def _ready(socket: int, *, writing: bool) -> None:
    """Until the socket can be read, or written where that is asked for as well."""
    loop = asyncio.get_running_loop()
    happened = loop.create_future()
    loop.add_reader(socket, _happened, happened)
    if writing:
        loop.add_writer(socket, _happened, happened)
    try:
        await happened
    finally:
        loop.remove_reader(socket)
        if writing:
            loop.remove_writer(socket)


def _happened(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@lru_cache(maxsize=4 * PREPARED)
def _query(text: str) -> _Query:
    names: dict[str | int, PyFormat] = {}

    def numbered(match: re.Match[str]) -> str:
        name, kind = match.groups()
        if kind is None:
            return "%"
        name = len(names) if name is None else name
        names.setdefault(name, _FORMATS[kind])
        return f"${list(names).index(name) + 1}"

    return _Query(_placeholder.sub(numbered, text).encode(), list(names), list(names.values()))
