"""The board: one question for all viewers, no news without change, a database that goes away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from dashboards.web.names import Names
from psycopg import sql

from contracts.errors import Retryable
from dashboards import panel as catalogue
from dashboards.panel import Panel
from dashboards.web.board import Answer, Board
from stack.postgres import PostgresSettings

pytestmark = pytest.mark.integration


LONG = 10_000
"""Seconds that outlast any rest a query earns, on however busy a machine."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def panel(statement: str, name: str | None = None) -> Panel:
    known = catalogue.panel("overview", "active_learners")
    return replace(known, name=name or f"p{uuid4().hex}", sql=statement)


@asynccontextmanager
async def board(url: str, clock: Callable[[], float]) -> AsyncIterator[Board]:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as nobody:  # the discard port
        one = Board(url, Names(nobody), clock)
        try:
            yield one
        finally:
            await one.close()


def test_viewers_share_one_query_until_the_second_is_over(empty: str) -> None:
    async def scenario() -> None:
        clock = Clock()
        moment = panel("SELECT extract(epoch FROM clock_timestamp())::float8 AS today")
        async with board(empty, clock) as one:
            answers = await asyncio.gather(*(one.answer(moment) for _ in range(20)))
            assert len({answer.rows for answer in answers}) == 1
            clock.now += 0.9
            assert (await one.answer(moment)).rows == answers[0].rows
            clock.now += LONG
            later = await one.answer(moment)
            assert later.rows != answers[0].rows
            assert later.version > answers[0].version

    asyncio.run(scenario())


def test_a_slow_query_rests_twenty_times_as_long_as_it_took(empty: str) -> None:
    async def scenario() -> None:
        clock = Clock()
        slow = panel("SELECT clock_timestamp()::text AS today FROM pg_sleep(0.2)")
        async with board(empty, clock) as one:
            first = await one.answer(slow)
            clock.now += 3.9
            assert await one.answer(slow) is first
            clock.now += LONG
            assert await one.answer(slow) is not first

    asyncio.run(scenario())


def test_the_same_numbers_again_are_no_news(empty: str) -> None:
    async def scenario() -> None:
        clock = Clock()
        still = panel("SELECT 7 AS today")
        async with board(empty, clock) as one:
            first = await one.answer(still)
            clock.now += LONG
            again = await one.answer(still)
            assert again.queried_at > first.queried_at
            assert again.version == first.version

    asyncio.run(scenario())


def test_a_wrong_query_is_an_error_of_its_panel_only(empty: str) -> None:
    async def scenario() -> None:
        async with board(empty, Clock()) as one:
            broken = await one.answer(panel("SELECT nothing FROM nowhere"))
            assert "nowhere" in str(broken.error)
            assert "./learnstream prepare" in str(broken.error)
            assert (await one.answer(panel("SELECT 1 AS today"))).rows == ((1,),)
            assert one.state.away_since is None

    asyncio.run(scenario())


def test_a_panel_cannot_write(empty: str) -> None:
    async def scenario() -> None:
        async with board(empty, Clock()) as one:
            tried = await one.answer(panel("CREATE TABLE mine (n int)"))
            assert "read-only" in str(tried.error)

    asyncio.run(scenario())


def test_the_span_is_a_caption_not_a_column(filled: str) -> None:
    async def scenario() -> None:
        async with board(filled, Clock()) as one:
            answer = await one.answer(catalogue.panel("overview", "busiest_items"))
            assert answer.columns == ("item_id", "course_id", "kind", "learners", "clicks")
            body = json.loads(answer.json)
            assert body["since_at"] < body["until_at"]
            assert body["rows"][0][3:] == [3, 5]

    asyncio.run(scenario())


def test_a_database_that_is_away_is_said_so_and_comes_back_by_itself(empty: str) -> None:
    name = f"later_{uuid4().hex[:12]}"
    url = empty.rsplit("/", 1)[0] + f"/{name}"

    async def scenario() -> None:
        async with board(url, Clock()) as one:
            with pytest.raises(Retryable, match="does not answer"):
                await one.answer(panel("SELECT 1 AS today"))
            assert json.loads(one.state.json())["database"] == "away"
            await asyncio.to_thread(_create, name)
            assert (await one.answer(panel("SELECT 1 AS today"))).rows == ((1,),)
            assert json.loads(one.state.json())["database"] == "up"
            await asyncio.to_thread(_cut_connections, name)
            with pytest.raises(Retryable):
                await one.answer(panel("SELECT 2 AS today"))
            assert (await one.answer(panel("SELECT 2 AS today"))).rows == ((2,),)

    try:
        asyncio.run(scenario())
    finally:
        _maintain(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_viewer_gets_everything_first_and_then_only_what_changed(fresh: str, rows: Any) -> None:
    panels = catalogue.dashboard("overview")

    async def scenario() -> None:
        async with board(fresh, lambda: time.monotonic() * 20) as one:  # rests pass quickly
            news = one.watch("overview", panels)
            seen: dict[str, Any] = {}
            async with asyncio.timeout(90):
                while len(seen) < len(panels):
                    event, data = await anext(news)
                    if event == "panel":
                        seen.update({json.loads(data)["panel"]: json.loads(data)})
                await asyncio.to_thread(
                    rows.view, uuid4(), uuid4(), uuid4(), rows.now.replace(microsecond=0)
                )
                changed: dict[str, Any] = {}
                while "busiest_items" not in changed or "events_per_minute" not in changed:
                    event, data = await anext(news)
                    if event == "panel":
                        changed.update({json.loads(data)["panel"]: json.loads(data)})
            assert changed["busiest_items"]["rows"]
            assert "recommendations" not in changed
            assert "enrollment_status" not in changed
            await news.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_an_answer_is_valid_json_whatever_postgres_returns(empty: str) -> None:
    async def scenario() -> Answer:
        odd = panel(
            "SELECT 1.5::numeric AS a, gen_random_uuid() AS b, now() AS c, current_date AS d, "
            "NULL AS e, true AS f, 'x' AS g, 10::bigint AS h"
        )
        async with board(empty, Clock()) as one:
            return await one.answer(odd)

    (row,) = json.loads(asyncio.run(scenario()).json)["rows"]
    assert (row[0], row[4:]) == (1.5, [None, True, "x", 10])
    assert row[2].endswith("Z")


def _maintain(statement: sql.Composed) -> None:
    with psycopg.connect(PostgresSettings().analytics_url, autocommit=True) as connection:
        connection.execute(statement)


def _create(name: str) -> None:
    _maintain(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _cut_connections(name: str) -> None:
    _maintain(
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
            sql.Literal(name)
        )
    )
