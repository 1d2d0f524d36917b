"""The poller: one query for all who see the same rows, no message without change, an LMS away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from contracts.errors import Retryable
from dashboards import catalogue
from dashboards.web import poller
from dashboards.web.behind import Behind
from dashboards.web.poller import RECHECK_S, Poller, Viewer
from gateway.errors import Forbidden, Unauthenticated

LONG = 10_000
"""Seconds that outlast any rest an answer earns, on however busy a machine."""
PANEL = catalogue.panel("overview", "active_learners")


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class ScriptedLms:
    """Answers panels as the LMS does; ``value`` is what they show."""

    value: Any = 7
    took_s: float = 0.0
    refuses: dict[str, int] = field(default_factory=dict)
    """Status by panel; ``""`` is every panel."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Panel, scope and token of each request."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[1]
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.asked.append((name, request.url.params["scope"], token))
        await asyncio.sleep(self.took_s)
        status = self.refuses.get(name) or self.refuses.get("") or self.refuses.get(token)
        if status:
            return httpx.Response(status, json={"detail": f"no: {status}"})
        body = {
            "columns": [{"name": "course_id"}, {"name": "n"}],
            "rows": [["c1", self.value]],
            "names": {"c1": {"title": "Bridges", "source": "open-catalogue"}},
            "since_at": None,
            "until_at": "2014-06-01T00:00:00Z",
        }
        return httpx.Response(200, json=body)


def viewer(
    token: str = "ana", key: str = "institution/one", fails: Exception | None = None
) -> Viewer:
    async def give() -> str:
        if fails is not None:
            raise fails
        return token

    return Viewer(key, key.partition("/")[0], give)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once; what is due is said by the scripted clock."""
    monkeypatch.setattr(poller, "REFRESH_S", 0.01)


@asynccontextmanager
async def polling(
    lms: ScriptedLms, clock: Callable[[], float] | None = None
) -> AsyncIterator[Poller]:
    transport = httpx.MockTransport(lms)
    async with httpx.AsyncClient(base_url="http://lms", transport=transport) as client:
        one = Poller(Behind(client), clock or Clock())
        try:
            yield one
        finally:
            await one.close()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())


async def always() -> None:
    """The viewer may still see it."""


def test_viewers_of_the_same_rows_share_one_question_until_the_second_is_over() -> None:
    async def scenario() -> None:
        clock, lms = Clock(), ScriptedLms()
        async with polling(lms, clock) as one:
            answers = await asyncio.gather(
                *(one.answer(viewer(token=f"viewer{n}"), PANEL) for n in range(20))
            )
            assert len(lms.asked) == 1
            assert {answer.rows for answer in answers} == {(("c1", 7),)}
            clock.now += 0.9
            await one.answer(viewer(), PANEL)
            assert len(lms.asked) == 1
            clock.now += LONG
            lms.value = 8
            later = await one.answer(viewer(), PANEL)
            assert later.rows == (("c1", 8),)
            assert later.version > answers[0].version

    run(scenario)


def test_nobody_gets_the_answer_to_other_rows() -> None:
    async def scenario() -> None:
        lms = ScriptedLms()
        async with polling(lms) as one:
            for key, token in (
                ("institution/one", "ana"),
                ("institution/two", "bea"),
                ("courses/user/tess", "tess"),
            ):
                lms.value = token
                answer = await one.answer(viewer(token, key), PANEL)
                assert answer.rows == (("c1", token),)
            scopes = [(scope, token) for _, scope, token in lms.asked]
            assert scopes == [("institution", "ana"), ("institution", "bea"), ("courses", "tess")]

    run(scenario)


def test_a_slow_panel_rests_twenty_times_as_long_as_it_took() -> None:
    async def scenario() -> None:
        clock, lms = Clock(), ScriptedLms(took_s=0.2)
        async with polling(lms, clock) as one:
            first = await one.answer(viewer(), PANEL)
            clock.now += 3.9
            assert await one.answer(viewer(), PANEL) is first
            clock.now += LONG
            assert await one.answer(viewer(), PANEL) is not first

    run(scenario)


def test_one_slow_answer_does_not_make_a_panel_slow() -> None:
    async def scenario() -> None:
        clock, lms = Clock(), ScriptedLms()
        async with polling(lms, clock) as one:
            await one.answer(viewer(), PANEL)
            clock.now += LONG
            lms.took_s = 1.0
            slow = await one.answer(viewer(), PANEL)
            assert slow.duration_ms >= 1000
            lms.took_s = 0.0
            clock.now += 19  # less than twenty times the slow answer
            assert await one.answer(viewer(), PANEL) is not slow

    run(scenario)


def test_the_same_numbers_again_are_no_news() -> None:
    async def scenario() -> None:
        clock = Clock()
        async with polling(ScriptedLms(), clock) as one:
            first = await one.answer(viewer(), PANEL)
            clock.now += LONG
            again = await one.answer(viewer(), PANEL)
            assert again.queried_at > first.queried_at
            assert again.version == first.version

    run(scenario)


def test_an_answer_has_titles_its_span_and_where_things_come_from() -> None:
    async def scenario() -> None:
        async with polling(ScriptedLms()) as one:
            body = json.loads((await one.answer(viewer(), PANEL)).json)
        assert body["columns"] == ["course_id", "n"]
        assert body["names"] == {"c1": {"title": "Bridges", "origin": "demo"}}
        assert (body["since_at"], body["until_at"]) == (None, "2014-06-01T00:00:00Z")
        assert (body["error"], body["refused"]) == (None, False)

    run(scenario)


def test_a_panel_that_cannot_be_narrowed_is_refused_and_nothing_is_away() -> None:
    async def scenario() -> None:
        async with polling(ScriptedLms(refuses={PANEL.name: 403})) as one:
            answer = await one.answer(viewer(), PANEL)
            assert (answer.refused, answer.rows) == (True, ())
            assert one.state(viewer()).away_since is None

    run(scenario)


async def received(
    news: AsyncIterator[tuple[str, bytes]], until: Callable[[str, Any], bool]
) -> list[tuple[str, Any]]:
    """What a viewer receives, up to what ``until`` waits for."""
    found: list[tuple[str, Any]] = []
    async for event, data in news:
        found.append((event, json.loads(data)))
        if until(*found[-1]):
            break
    return found


@pytest.mark.usefixtures("hurry")
def test_one_panel_that_fails_is_an_error_of_its_own_and_all_of_them_a_database_away() -> None:
    panels = catalogue.dashboard("overview")

    async def scenario() -> None:
        lms = ScriptedLms(refuses={PANEL.name: 503})
        clock = Clock()
        async with polling(lms, clock) as one:
            news = one.watch(viewer(), "overview", panels, always)
            found = await received(news, lambda event, data: bool(data.get("error")))
            assert found[-1][1]["panel"] == PANEL.name
            assert one.state(viewer()).away_since is None
            lms.refuses = {"": 503}
            clock.now += LONG
            found = await received(news, lambda event, data: data.get("database") == "away")
            assert found[-1][1]["detail"] == "no: 503"
            lms.refuses = {}
            clock.now += LONG
            await received(news, lambda event, data: data.get("database") == "up")
            await news.aclose()  # type: ignore[attr-defined]

    run(scenario)


def test_an_lms_that_is_away_is_said_so() -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as nobody:  # the discard port
            with pytest.raises(Retryable, match=r"127\.0\.0\.1:9"):
                await Poller(Behind(nobody)).answer(viewer(), PANEL)

    run(scenario)


@pytest.mark.usefixtures("hurry")
def test_a_viewer_gets_everything_first_and_then_only_what_changed() -> None:
    panels = catalogue.dashboard("overview")

    async def scenario() -> None:
        lms, clock = ScriptedLms(), Clock()
        async with polling(lms, clock) as one:
            news = one.watch(viewer(), "overview", panels, always)
            names: set[str] = set()

            def all_are_in(event: str, data: Any) -> bool:
                names.update([data["panel"]] if event == "panel" else [])
                return len(names) == len(panels)

            await received(news, all_are_in)
            clock.now += LONG
            found = await received(news, lambda event, data: event == "state")
            assert [event for event, _ in found] == ["state"], "the same numbers are no news"
            lms.value = 8
            clock.now += LONG
            found = await received(news, lambda event, data: event == "panel")
            assert found[-1][1]["rows"] == [["c1", 8]]
            await news.aclose()  # type: ignore[attr-defined]

    run(scenario)


@pytest.mark.usefixtures("hurry")
def test_a_stream_ends_with_the_session_and_the_others_go_on() -> None:
    panels = [PANEL]

    async def scenario() -> None:
        lms, clock = ScriptedLms(), Clock()
        async with polling(lms, clock) as one:
            over = one.watch(viewer(fails=Unauthenticated("over")), "overview", panels, always)
            other = one.watch(viewer("bea"), "overview", panels, always)
            await anext(over)  # it would ask first
            await anext(other)
            ended = [event async for event, _ in over]
            assert "panel" not in ended
            await received(other, lambda event, data: event == "panel")
            assert {token for _, _, token in lms.asked} == {"bea"}
            await other.aclose()  # type: ignore[attr-defined]

    run(scenario)


@pytest.mark.usefixtures("hurry")
def test_a_stream_ends_where_its_viewer_sees_other_rows_by_now() -> None:
    async def scenario() -> None:
        clock = Clock()

        async def no_more() -> None:
            raise Forbidden("what you may see has changed")

        async with polling(ScriptedLms(), clock) as one:
            news = one.watch(viewer(), "overview", [PANEL], no_more)
            await received(news, lambda event, data: event == "panel")
            clock.now += RECHECK_S
            with pytest.raises(Forbidden):
                await received(news, lambda event, data: False)

    run(scenario)


@pytest.mark.usefixtures("hurry")
def test_where_nobody_watches_nobody_asks() -> None:
    async def scenario() -> None:
        lms, clock = ScriptedLms(), Clock()
        async with polling(lms, clock) as one:
            news = one.watch(viewer(), "overview", [PANEL], always)
            await received(news, lambda event, data: event == "panel")
            await news.aclose()  # type: ignore[attr-defined]
            [poller] = asyncio.all_tasks() - {asyncio.current_task()}
            await poller
            count = len(lms.asked)
            clock.now += LONG
            await asyncio.sleep(0)
            assert len(lms.asked) == count

    run(scenario)
