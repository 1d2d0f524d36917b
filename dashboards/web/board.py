"""The board: asks each panel's SQL once for all who look, and tells them what changed.

One connection, one question at a time. A panel is asked again a second after the last answer, or
later where it is slow: never more than a twentieth of the time goes into one panel. Nobody looking
means nobody asking.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson
import psycopg
from prometheus_client import Counter, Gauge, Histogram

from contracts.errors import Misconfigured, Retryable
from dashboards.panel import SPAN_COLUMNS, Panel
from dashboards.web.names import Names

REFRESH_S = 1.0
BEAT_S = 2.0
"""A viewer hears something at least this often."""
SHARE = 20
"""A panel rests this many times as long as its query took."""
STATEMENT_TIMEOUT_MS = 5000
_SESSION = (
    f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}; SET default_transaction_read_only = on; "
    "SET timezone = 'UTC'; SET jit = off"  # compiling would cost more than these queries do
)

_query_seconds = Histogram(
    "learnstream_panel_query_seconds", "Time of one panel query", ["dashboard", "panel"]
)
_failures = Counter("learnstream_panel_failures", "Panel queries that failed", ["panel"])
_viewers = Gauge("learnstream_dashboard_viewers", "Pages open on a dashboard", ["dashboard"])


@dataclass(frozen=True)
class Answer:
    """What a panel's query said at ``queried_at``; ``error`` instead of rows where it failed."""

    panel: Panel
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    names: dict[str, dict[str, str]]
    """Titles of the courses and items among the values, by id."""
    queried_at: datetime
    duration_ms: float
    error: str | None = None
    version: int = 0
    since_at: datetime | None = None
    until_at: datetime | None = None

    @cached_property
    def content(self) -> tuple[Any, ...]:
        """What a viewer sees: an answer with the same content is no news."""
        span = (self.since_at, self.until_at)
        return (self.columns, self.rows, orjson.dumps(self.names), span, self.error)

    @cached_property
    def json(self) -> bytes:
        return orjson.dumps(
            {
                "dashboard": self.panel.dashboard,
                "panel": self.panel.name,
                "columns": self.columns,
                "rows": self.rows,
                "names": self.names,
                "since_at": self.since_at,
                "until_at": self.until_at,
                "queried_at": self.queried_at,
                "duration_ms": self.duration_ms,
                "error": self.error,
            },
            default=float,  # numeric
            option=orjson.OPT_UTC_Z,
        )


@dataclass
class _State:
    """Of the analytical database, as last seen."""

    away_since: datetime | None = None
    detail: str | None = None
    seen_at: datetime | None = None
    """When it last answered."""

    def json(self) -> bytes:
        return orjson.dumps(
            {
                "database": "up" if self.away_since is None else "away",
                "away_since": self.away_since,
                "detail": self.detail,
                "seen_at": self.seen_at,
                "now": datetime.now(UTC),
            },
            option=orjson.OPT_UTC_Z,
        )


@dataclass
class _Watched:
    """A dashboard somebody looks at."""

    panels: list[Panel]
    viewers: int = 0
    poller: asyncio.Task[None] | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class Board:
    """Answers of all panels; ``url`` is the analytical database's."""

    def __init__(self, url: str, names: Names, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = _State()
        self.stopping = False
        """Set when the process is to end: open streams finish within a beat."""
        self._url = url
        self.names = names
        self._clock = clock
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._answers: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._watched: dict[str, _Watched] = {}

    async def answer(self, panel: Panel) -> Answer:
        """The panel's newest answer, at most ``REFRESH_S`` old (more where its query is slow).

        Raises ``Retryable`` while the database is away.
        """
        key = (panel.dashboard, panel.name)
        async with self._one_at_a_time:
            due_at, old = self._answers.get(key, (0.0, None))
            if old is not None and old.panel == panel and self._clock() < due_at:
                return old
            new = await self._ask(panel, 0 if old is None else old.version + 1)
            rest_s = max(REFRESH_S, SHARE * new.duration_ms / 1000)
            if old is not None and old.content == new.content:  # no news: keeps its version
                object.__setattr__(new, "version", old.version)
            self._answers[key] = (self._clock() + rest_s, new)
            return new

    async def query(
        self, sql: str, params: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows of any question; ``Retryable`` where the database does not answer."""
        async with self._one_at_a_time:
            return await self._execute(sql, params)

    async def watch(self, name: str, panels: list[Panel]) -> AsyncIterator[tuple[str, bytes]]:
        """News as ``(event, JSON)``: ``panel`` of one that changed, and ``state``.

        The newest answers come first, so a new viewer sees everything at once. A slow viewer
        misses steps in between, never the newest.
        """
        watched = self._watched.setdefault(name, _Watched(panels))
        watched.panels = panels
        watched.viewers += 1
        _viewers.labels(name).inc()
        if watched.poller is None or watched.poller.done():
            watched.poller = asyncio.create_task(self._poll(watched))
        sent: dict[str, int] = {}
        try:
            while not self.stopping:
                for panel in watched.panels:
                    _, answer = self._answers.get((name, panel.name), (0.0, None))
                    if answer is not None and sent.get(panel.name) != answer.version:
                        sent[panel.name] = answer.version
                        yield "panel", answer.json
                yield "state", self.state.json()
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S), watched.news:
                        await watched.news.wait()
        finally:
            watched.viewers -= 1
            _viewers.labels(name).dec()

    async def close(self) -> None:
        self.stopping = True
        for watched in self._watched.values():
            if watched.poller is not None:
                watched.poller.cancel()
        if self._connection is not None:
            await self._connection.close()

    async def _poll(self, watched: _Watched) -> None:
        while watched.viewers and not self.stopping:
            with suppress(Retryable):  # the state says so, and the next round tries again
                for panel in watched.panels:
                    await self.answer(panel)
            async with watched.news:
                watched.news.notify_all()
            await asyncio.sleep(REFRESH_S)

    async def _ask(self, panel: Panel, version: int) -> Answer:
        began = time.perf_counter()
        error = None
        columns: tuple[str, ...] = ()
        rows: list[tuple[Any, ...]] = []
        try:
            columns, rows = await self._execute(panel.sql)
        except Misconfigured as wrong:
            error = wrong.message
            _failures.labels(panel.name).inc()
        taken_s = time.perf_counter() - began
        _query_seconds.labels(panel.dashboard, panel.name).observe(taken_s)
        span = {name: _common(columns, rows, name) for name in SPAN_COLUMNS if name in columns}
        shown = [i for i, name in enumerate(columns) if name not in SPAN_COLUMNS]
        columns = tuple(columns[i] for i in shown)
        shown_rows = tuple(tuple(row[i] for i in shown) for row in rows)
        return Answer(
            panel=panel,
            columns=columns,
            rows=shown_rows,
            names=self.names.among(columns, shown_rows),
            queried_at=datetime.now(UTC),
            duration_ms=round(taken_s * 1000, 1),
            error=error,
            version=version,
            **span,
        )

    async def _execute(
        self, sql: str, params: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows; ``Misconfigured``: the query's fault, ``Retryable``: the database's."""
        try:
            async with asyncio.timeout(STATEMENT_TIMEOUT_MS / 1000 + 2):
                connection = await self._connected()
                cursor = await connection.execute(sql, params)
                rows = await cursor.fetchall()
        except psycopg.errors.QueryCanceled:
            raise Misconfigured(
                f"the query took longer than {STATEMENT_TIMEOUT_MS // 1000} s"
            ) from None
        except psycopg.errors.UndefinedTable as error:
            raise Misconfigured(
                f"{error.diag.message_primary}: prepare the analytical database with "
                "./learnstream prepare"
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            await self._lost(error)
            raise Retryable("the analytical database does not answer") from error
        except psycopg.Error as error:
            raise Misconfigured(f"the query failed: {error.diag.message_primary}") from error
        self.state.away_since, self.state.detail = None, None
        self.state.seen_at = datetime.now(UTC)
        description = cursor.description or []
        return tuple(column.name for column in description), rows

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=2,
                application_name="learnstream-dashboards",
            )
            await self._connection.execute(_SESSION)
        return self._connection

    async def _lost(self, error: Exception) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None
        if self.state.away_since is None:
            self.state.away_since = datetime.now(UTC)
        self.state.detail = str(error).strip().splitlines()[0] if str(error).strip() else None


def _common(columns: tuple[str, ...], rows: list[tuple[Any, ...]], name: str) -> Any:
    """The value of a span column, which is the same in every row."""
    return rows[0][columns.index(name)] if rows else None
