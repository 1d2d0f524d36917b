"""The poller: reads each panel from the LMS once per set of rows and fans changes out to viewers.

Viewers of the same rows share the answers: those of one institution, or of one teacher's courses.
The poller asks the LMS with the token of one of them. The LMS decides and filters the rows; this
process reads no database. A panel is polled again a second after its last answer, later where it is
slow: one panel takes at most a twentieth of the time. A dashboard without viewers is not polled.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

import orjson
from prometheus_client import Counter, Gauge, Histogram

from contracts.errors import Retryable
from contracts.panels import Panel
from dashboards.web.behind import Behind
from gateway.errors import Relayed, Unauthenticated

REFRESH_S = 1.0
REFRESH_OWN_S = 3.0
"""For one person's rows, whose answers nobody shares."""
BEAT_S = 2.0
"""A viewer gets a message at least this often."""
RECHECK_S = 15.0
"""How often a stream checks that its viewer may still see the rows."""
AWAY_S = 3.0
"""Without any answer for this long the LMS counts as away; before, one panel may be slow."""
SHARE = 20
"""A panel rests this many times as long as its answer took, or the one before if that was quicker:
one slow answer, as after the database was away, does not make a panel slow."""
_MOST_ANSWERS = 2_000
_ORIGINS = {"oulad": "OULAD", "open-catalogue": "demo"}
"""``metadata.source`` of the LMS → what the page says: real and anonymous, or made up."""

_query_seconds = Histogram(
    "learnstream_panel_query_seconds", "Time of one panel's answer", ["dashboard", "panel"]
)
_failures = Counter("learnstream_panel_failures", "Panels that had no answer", ["panel"])
_viewers = Gauge("learnstream_dashboard_viewers", "Pages open on a dashboard", ["dashboard"])


@dataclass(frozen=True)
class Viewer:
    """Somebody who watches; ``key`` is equal for all who see the same rows."""

    key: str
    scope: str
    token: Callable[[], Awaitable[str]]
    """An access token that counts now; raises ``Unauthenticated`` where the session is over."""


@dataclass(frozen=True)
class Answer:
    """The LMS's answer for a panel at ``queried_at``; ``error`` instead of rows where it failed."""

    panel: Panel
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """Titles of the courses and items among the values, by id."""
    queried_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_ms: float = 0.0
    error: str | None = None
    refused: bool = False
    """The panel cannot be narrowed to what the viewer sees."""
    version: int = 0
    since_at: str | None = None
    until_at: str | None = None

    @cached_property
    def content(self) -> tuple[Any, ...]:
        """What a viewer sees: an answer with the same content is not sent again."""
        span = (self.since_at, self.until_at)
        return (self.columns, self.rows, orjson.dumps(self.names), span, self.error, self.refused)

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
                "refused": self.refused,
            },
            option=orjson.OPT_UTC_Z,
        )


@dataclass
class State:
    """Whether the numbers of one scope are up to date."""

    away_since: datetime | None = None
    detail: str | None = None
    seen_at: datetime | None = None
    """Time of the last answer."""
    answered: float = float("-inf")
    """The same by the poller's clock."""

    def up(self, now: float) -> None:
        """Note an answer, at ``now`` by the poller's clock."""
        self.away_since, self.detail = None, None
        self.seen_at, self.answered = datetime.now(UTC), now

    def away(self, detail: str) -> None:
        """Note that there is none now, and why."""
        self.away_since, self.detail = self.away_since or datetime.now(UTC), detail

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
    """A dashboard that somebody watches, of one scope's rows."""

    panels: list[Panel]
    viewers: dict[object, Viewer] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class Poller:
    """Polls the LMS for panels and keeps their newest answers, by scope."""

    def __init__(self, lms: Behind, clock: Callable[[], float] = time.monotonic) -> None:
        self._lms, self._clock = lms, clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._states: defaultdict[str, State] = defaultdict(State)
        self._answers: dict[tuple[str, str, str], tuple[float, Answer]] = {}
        self._watched: dict[tuple[str, str], _Watched] = {}

    def state(self, viewer: Viewer) -> State:
        return self._states[viewer.key]

    async def answer(self, viewer: Viewer, panel: Panel) -> Answer:
        """The panel's newest answer, at most a second old (more where it is slow, or one person's).

        Raises ``Retryable`` while the LMS or its database is away, and what the token raises.
        """
        at = (viewer.key, panel.dashboard, panel.name)
        async with self._locks[viewer.key]:  # one request of a scope at a time
            due_at, old = self._answers.get(at, (0.0, None))
            if old is not None and old.panel == panel and self._clock() < due_at:
                return old
            new = await self._ask(viewer, panel, 0 if old is None else old.version + 1)
            self._states[viewer.key].up(self._clock())
            return self._remember(at, new, old)

    async def watch(
        self,
        viewer: Viewer,
        name: str,
        panels: list[Panel],
        still: Callable[[], Awaitable[None]],
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Yield ``(event, JSON)``: ``panel`` for each panel that changed, and ``state``.

        The newest answers come first, so a new viewer sees everything at once. A slow viewer
        misses steps in between, never the newest. Raises what ``still`` raises
        where the viewer may no longer see the rows.
        """
        watched = self._watched.setdefault((viewer.key, name), _Watched(panels))
        watched.panels = panels
        me = object()
        watched.viewers[me] = viewer
        _viewers.labels(name).inc()
        if watched.task is None or watched.task.done():
            watched.task = asyncio.create_task(self._poll(viewer.key, watched))
        sent: dict[str, int] = {}
        check_at = self._clock() + RECHECK_S
        try:
            while me in watched.viewers:
                for panel in watched.panels:
                    at = (viewer.key, name, panel.name)
                    _, answer = self._answers.get(at, (0.0, None))
                    if answer is not None and sent.get(panel.name) != answer.version:
                        sent[panel.name] = answer.version
                        yield "panel", answer.json
                yield "state", self._states[viewer.key].json()
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S), watched.news:
                        await watched.news.wait()
                if self._clock() >= check_at:
                    check_at = self._clock() + RECHECK_S
                    with suppress(Retryable):  # the LMS is away: nothing has changed either
                        await still()
        finally:
            watched.viewers.pop(me, None)
            _viewers.labels(name).dec()

    async def close(self) -> None:
        for watched in self._watched.values():
            if watched.task is not None:
                watched.task.cancel()

    async def _poll(self, key: str, watched: _Watched) -> None:
        while watched.viewers:
            await self._round(key, watched)
            async with watched.news:
                watched.news.notify_all()
            await asyncio.sleep(REFRESH_S if watched.viewers else 0)
        self._watched = {at: one for at, one in self._watched.items() if one is not watched}

    async def _round(self, key: str, watched: _Watched) -> None:
        """Poll every panel that is due with a viewer's token; drop viewers who are refused."""
        failed: list[tuple[Panel, str]] = []
        panels, state = list(watched.panels), self._states[key]
        before = state.seen_at
        while panels and watched.viewers:
            me, viewer = next(iter(watched.viewers.items()))
            try:
                await self.answer(viewer, panels[0])
            except (Relayed, Unauthenticated):
                watched.viewers.pop(me, None)  # the session is over: poll as another viewer
                continue
            except Retryable as error:
                failed.append((panels[0], error.message))
                if state.seen_at == before and len(failed) >= min(2, len(watched.panels)):
                    if self._clock() - state.answered > AWAY_S:
                        state.away(error.message)
                    return  # no answer at all, and each try may take seconds: keep the last ones
            panels.pop(0)
        if state.seen_at == before:
            return
        for panel, detail in failed:  # only these panels are slow or broken
            _failures.labels(panel.name).inc()
            at = (key, panel.dashboard, panel.name)
            _, old = self._answers.get(at, (0.0, None))
            version = 0 if old is None else old.version + 1
            self._remember(at, Answer(panel, error=detail, version=version), old)

    def _remember(self, at: tuple[str, str, str], new: Answer, old: Answer | None) -> Answer:
        refresh_s = REFRESH_S if at[0].startswith("institution/") else REFRESH_OWN_S
        if old is not None and old.content == new.content:  # unchanged: keeps its version
            object.__setattr__(new, "version", old.version)
        self._answers.pop(at, None)
        took_ms = min(new.duration_ms, new.duration_ms if old is None else old.duration_ms)
        self._answers[at] = self._clock() + max(refresh_s, SHARE * took_ms / 1000), new
        while len(self._answers) > _MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]  # the one that was asked longest ago
        return new

    async def _ask(self, viewer: Viewer, panel: Panel, version: int) -> Answer:
        path = f"/analytics/dashboards/{panel.dashboard}/panels/{panel.name}"
        token = await viewer.token()
        began = time.perf_counter()
        try:
            response = await self._lms.ask("GET", path, token, params={"scope": viewer.scope})
        except Relayed as refused:
            if refused.facts["status"] != HTTPStatus.FORBIDDEN:
                raise
            return Answer(panel, error=refused.message, refused=True, version=version)
        taken_s = time.perf_counter() - began
        _query_seconds.labels(panel.dashboard, panel.name).observe(taken_s)
        body = response.json()
        return Answer(
            panel,
            columns=tuple(column["name"] for column in body["columns"]),
            rows=tuple(map(tuple, body["rows"])),
            names=titles(body["names"]),
            duration_ms=round(taken_s * 1000, 1),
            version=version,
            since_at=body["since_at"],
            until_at=body["until_at"],
        )


def titles(names: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The LMS's titles by id, each with its origin as the page shows it."""
    return {
        id_: {"title": one["title"], "origin": _ORIGINS.get(one["source"] or "", "")}
        for id_, one in names.items()
    }
