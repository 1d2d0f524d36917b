"""Who is signed in: what the browser and Redis hold, and when it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import redis.asyncio

from contracts.errors import Retryable
from dashboards.web import sessions
from dashboards.web.behind import Behind
from dashboards.web.sessions import Cookie, Sessions
from gateway.errors import Forbidden
from stack.http import HttpSettings
from stack.redis import RedisSettings


@dataclass
class ScriptedLms:
    """Refreshes sessions, once per refresh token."""

    number: int = 0
    status: int = 200
    requests: list[str] = field(default_factory=list)

    def tokens(self) -> dict[str, Any]:
        return {
            "access_token": f"access{self.number}",
            "refresh_token": f"refresh{self.number}",
            "expires_in": 600,
            "user_id": "ana",
            "session_id": "visit",
        }

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url.path}")
        if self.status == 0:
            raise httpx.ConnectError("away")
        if request.method == "DELETE":
            assert request.headers["authorization"] == f"Bearer access{self.number}"
            return httpx.Response(204)
        await asyncio.sleep(0.01)
        if self.status != 200 or json.loads(request.content)["refresh_token"] != (
            f"refresh{self.number}"
        ):
            return httpx.Response(self.status if self.status != 200 else 401, json={})
        self.number += 1
        return httpx.Response(200, json=self.tokens())


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


Scenario = Callable[[Sessions, ScriptedLms, Clock, redis.asyncio.Redis], Awaitable[None]]


def run(scenario: Scenario) -> None:
    async def go() -> None:
        lms, clock = ScriptedLms(), Clock()
        transport = httpx.MockTransport(lms)
        async with (
            httpx.AsyncClient(base_url="http://lms", transport=transport) as client,
            redis.asyncio.Redis.from_url(RedisSettings().url) as store,
        ):
            await scenario(Sessions(Behind(client), store, clock), lms, clock, store)

    asyncio.run(go())


pytestmark = pytest.mark.integration


def test_redis_holds_nothing_that_signs_anybody_in(stack: Any) -> None:
    async def scenario(one: Sessions, lms: ScriptedLms, clock: Clock, store: Any) -> None:
        secret = await one.begin(lms.tokens())
        assert await one.token(secret) == "access0"
        found = [key async for key in store.scan_iter("dashboards:session:*")]
        stored = b"".join([*found, *[await store.get(key) for key in found]])
        for word in (secret, "access0", "refresh0", "ana"):
            assert word.encode() not in stored
        assert await one.token("another secret") is None

    run(scenario)


def test_tokens_are_refreshed_before_they_expire_and_once_for_all_who_ask(stack: Any) -> None:
    async def scenario(one: Sessions, lms: ScriptedLms, clock: Clock, store: Any) -> None:
        secret = await one.begin(lms.tokens())
        clock.now += 530
        assert await one.token(secret) == "access0"
        clock.now += 11
        found = await asyncio.gather(*(one.token(secret) for _ in range(10)))
        assert set(found) == {"access1"}
        assert lms.requests == ["POST /api/v1/sessions/refresh"]

    run(scenario)


def test_where_the_lms_has_ended_the_session_it_is_over_here(stack: Any) -> None:
    async def scenario(one: Sessions, lms: ScriptedLms, clock: Clock, store: Any) -> None:
        secret = await one.begin(lms.tokens())
        clock.now, lms.status = clock.now + 560, 401
        assert await one.token(secret) is None
        lms.status = 200
        assert await one.token(secret) is None, "it stays over"
        assert len(lms.requests) == 1

    run(scenario)


def test_while_the_lms_is_away_a_token_counts_until_it_expires(stack: Any) -> None:
    async def scenario(one: Sessions, lms: ScriptedLms, clock: Clock, store: Any) -> None:
        secret = await one.begin(lms.tokens())
        clock.now, lms.status = clock.now + 560, 0
        assert await one.token(secret) == "access0"
        clock.now += 60
        with pytest.raises(Retryable):
            await one.token(secret)
        lms.status = 200
        assert await one.token(secret) == "access1", "nobody was signed out by it"

    run(scenario)


def test_signing_out_ends_the_session_at_the_lms_even_late(stack: Any) -> None:
    async def scenario(one: Sessions, lms: ScriptedLms, clock: Clock, store: Any) -> None:
        secret = await one.begin(lms.tokens())
        clock.now += 900
        await one.end(secret)
        assert lms.requests[-1] == "DELETE /api/v1/users/ana/sessions/visit"
        assert await one.token(secret) is None

    run(scenario)


def request(method: str = "POST", **headers: str) -> dict[str, Any]:
    named = {"host": "127.0.0.1:18020"} | headers
    return {
        "method": method,
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()],
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://127.0.0.1:18020"},
        {"sec_fetch_site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:18000"},
        {"origin": "null"},
        {},
    ],
)
def test_what_changes_something_comes_from_our_own_pages(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        sessions.require_same_origin(request(**headers))
    sessions.require_same_origin(request("GET", **headers))


def test_our_own_pages_are_let_through() -> None:
    sessions.require_same_origin(request(sec_fetch_site="same-origin"))
    sessions.require_same_origin(request(origin="http://127.0.0.1:18020"))


def test_over_tls_the_cookie_is_bound_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Cookie.of(HttpSettings()) == Cookie(secure=False)
    assert Cookie(secure=False).name == "learnstream"
    monkeypatch.setenv("LMS_HTTP_PAGES_URL", "https://learn.example.org/")
    assert Cookie.of(HttpSettings()) == Cookie(secure=True)
    assert Cookie(secure=True).name == "__Host-learnstream"
