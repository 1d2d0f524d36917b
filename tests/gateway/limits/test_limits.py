"""Token buckets in a real Redis of the test's own, which is really killed and really stopped."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.ids import DEFAULT_INSTITUTION, new_id
from core_lms.app import tries_a_secret
from gateway.caller import Caller
from gateway.limits.buckets import Away, Bucket, Buckets, Verdict
from gateway.limits.middleware import Extra, RateLimits
from gateway.limits.settings import LimitSettings, Rate
from stack.redis import clients
from tests.core_lms.own_redis import OwnRedis, running
from tests.waiting import until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with running(tmp_path_factory.mktemp("redis")) as own:
        yield own


Take = Callable[..., Awaitable[Verdict]]


@asynccontextmanager
async def buckets(
    server: OwnRedis, timeout_s: float = 5.0, **settings: Any
) -> AsyncIterator[Buckets]:
    client = clients(server.url_of("dashboards"), timeout_s)  # who may only look at revocations
    yield Buckets(client, LimitSettings(retry_after_s=0.05, **settings))
    await client().aclose()


def bucket(rate: str = "1/h burst 3", name: str = "read") -> Bucket:
    read = LimitSettings.model_validate({"read": rate}).read
    assert read is not None
    return Bucket(name, f"limit:{name}:{new_id()}", read)


pytestmark = pytest.mark.integration


def test_a_bucket_holds_its_burst_and_no_more(server: OwnRedis) -> None:
    async def ask() -> list[Verdict]:
        own = bucket("1/h burst 3")
        async with buckets(server) as asked:
            return [await asked.take([own], []) for _ in range(5)]

    verdicts = asyncio.run(ask())
    assert [verdict.taken for verdict in verdicts] == [True, True, True, False, False]
    assert [verdict.levels[0].left for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert 3590 < verdicts[-1].levels[0].retry_after_s <= 3600


def test_tokens_drip_in_with_the_clock_of_redis(server: OwnRedis) -> None:
    async def ask() -> list[bool]:
        own = bucket("4/s burst 1")
        async with buckets(server) as asked:
            first, second = await asked.take([own], []), await asked.take([own], [])
            await asyncio.sleep(second.levels[0].wait_us / 1_000_000)
            return [first.taken, second.taken, (await asked.take([own], [])).taken]

    assert asyncio.run(ask()) == [True, False, True]


def test_of_two_hundred_at_once_exactly_the_burst_goes_through(server: OwnRedis) -> None:
    async def ask() -> int:
        own = bucket("1/h burst 50")
        async with buckets(server) as asked:
            verdicts = await asyncio.gather(*(asked.take([own], []) for _ in range(200)))
        assert all(verdict.levels for verdict in verdicts)
        return sum(verdict.taken for verdict in verdicts)

    assert asyncio.run(ask()) == 50


def test_a_request_that_one_bucket_refuses_costs_the_others_nothing(server: OwnRedis) -> None:
    async def ask() -> list[int]:
        wide, narrow = bucket("1/h burst 9", "address"), bucket("1/h burst 1", "login")
        async with buckets(server) as asked:
            found = [await asked.take([wide, narrow], []) for _ in range(4)]
        assert all(verdict.tightest.bucket is narrow for verdict in found if verdict.tightest)
        return [verdict.levels[0].left for verdict in found]

    assert asyncio.run(ask()) == [8, 8, 8, 8]


def test_a_full_bucket_leaves_nothing_behind_in_redis(server: OwnRedis) -> None:
    own = bucket("4/s burst 5")

    async def ask() -> None:
        async with buckets(server) as asked:
            await asked.take([own], [])

    asyncio.run(ask())
    client = server.client()
    assert 0 < client.pttl(own.key) <= 250
    until(lambda: not client.exists(own.key), "it is gone", within_s=5, every_s=0.002)


def test_a_bucket_made_smaller_does_not_lock_its_owner_out(server: OwnRedis) -> None:
    async def ask() -> Verdict:
        own = bucket("1/h burst 1000")
        async with buckets(server) as asked:
            await asyncio.gather(*(asked.take([own], []) for _ in range(900)))
            smaller = Bucket(own.name, own.key, Rate(1, 10))
            return await asked.take([smaller], [])

    assert asyncio.run(ask()).levels[0].wait_us <= 1_000_000


def test_a_revoked_session_takes_no_token(server: OwnRedis) -> None:
    sid, own = new_id(), bucket("1/h burst 3")
    server.client().set(f"revoked:{sid}", 1, ex=60)

    async def ask() -> tuple[Verdict, Verdict]:
        async with buckets(server) as asked:
            ended = await asked.take([own], [f"revoked:{sid}"])
            return ended, await asked.take([own], [f"revoked:{new_id()}"])

    ended, other = asyncio.run(ask())
    assert (ended.revoked, ended.taken, other.taken) == (True, False, True)
    assert other.levels[0].left == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
@pytest.mark.parametrize("when_away", ["open", "closed"])
def test_without_redis_requests_fail_as_the_setting_says(
    server: OwnRedis, when_away: str, how: signal.Signals
) -> None:
    async def ask() -> None:
        own = bucket("1/h burst 100")
        async with buckets(server, 0.5, when_redis_is_away=when_away) as asked:
            assert (await asked.take([own], [])).levels[0].left == 99
            server.kill(how)
            for _ in range(5):
                if when_away == "open":
                    assert (await asked.take([own], [])).taken
                else:
                    with pytest.raises(Away):
                        await asked.take([own], [])
            server.start() if how == signal.SIGKILL else server.kill(signal.SIGCONT)
            deadline = time.monotonic() + 10
            while not await metered(asked, own):  # it is found again, without a restart of ours
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)

    async def metered(asked: Buckets, own: Bucket) -> bool:
        try:
            return bool((await asked.take([own], [])).levels)
        except Away:
            return False

    asyncio.run(ask())


def test_while_redis_hangs_only_the_first_of_many_requests_waits_for_it(server: OwnRedis) -> None:
    async def ask() -> float:
        own = bucket("1/h burst 100")
        client = clients(server.url, 0.1)
        asked = Buckets(client, LimitSettings(retry_after_s=5))
        await asked.take([own], [])
        server.kill(signal.SIGSTOP)
        started = time.monotonic()
        for _ in range(200):
            await asked.take([own], [])
        waited_s = time.monotonic() - started
        server.kill(signal.SIGCONT)
        await client().aclose()
        return waited_s

    assert asyncio.run(ask()) < 1.0


# The gate in front of an application.


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("in")(scope, receive, send)


def as_caller(app: ASGIApp, caller: Caller | None) -> ASGIApp:
    """What the gateway does."""

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["caller"] = caller
        await app(scope, receive, send)

    return known


def gate(
    server: OwnRedis, caller: Caller | None, requests: list[tuple[str, str]], **settings: Any
) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        limits = LimitSettings.model_validate(settings)
        client = clients(server.url, 5.0)
        extras = [Extra("login", limits.login, tries_a_secret, by_address=True)]
        metered = RateLimits(_echo, Buckets(client, limits), limits, "lms", extras)
        app = as_caller(metered, caller)
        transport = httpx.ASGITransport(app, client=(f"fd00:{new_id()[-4:]}::1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://lms") as http:
            found = [await http.request(method, path) for method, path in requests]
        await client().aclose()
        return found

    return asyncio.run(run())


def person(**more: Any) -> Caller:
    user_id = new_id()
    return Caller("person", DEFAULT_INSTITUTION, user_id=user_id, name=f"user/{user_id}", **more)


def test_who_asks_too_much_is_told_when_to_come_back(server: OwnRedis) -> None:
    courses = [("GET", "/api/v1/courses")] * 3
    answers = gate(server, person(), courses, read="30/min burst 2", address="off")
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"read";q=2;w=4'
    assert answers[0].headers["ratelimit"] == '"read";r=1;t=2'
    assert answers[2].headers["ratelimit"] == '"read";r=0;t=4'
    assert answers[2].headers["retry-after"] == "2"
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["detail"] == "too many requests (read): try again in 2 s"


def test_reads_and_writes_of_a_person_have_buckets_of_their_own(server: OwnRedis) -> None:
    requests = [("GET", "/api/v1/courses"), ("POST", "/api/v1/courses"), ("GET", "/api/v1/x")]
    answers = gate(server, person(), requests, read="1/h burst 1", write="1/h burst 1")
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_logins_are_counted_twice_by_address(server: OwnRedis) -> None:
    requests = [("POST", "/api/v1/sessions")] * 3 + [("GET", "/api/v1/courses")]
    requests += [("POST", "/api/v1/sessions/refresh")]
    answers = gate(server, None, requests, login="1/h burst 2", anonymous="1/h burst 9")
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200]
    assert '"login"' in answers[2].headers["ratelimit"]


def test_the_address_counts_whoever_sends(server: OwnRedis) -> None:
    requests = [("GET", "/api/v1/courses")] * 3
    answers = gate(server, person(), requests, address="1/h burst 2")
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_key_has_one_bucket_for_all_it_does(server: OwnRedis) -> None:
    key = Caller("machine", DEFAULT_INSTITUTION, name=f"machine/{new_id()}")
    requests = [("GET", "/api/v1/courses"), ("POST", "/api/v1/courses"), ("GET", "/api/v1/x")]
    answers = gate(server, key, requests, machine="1/h burst 2")
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_health_and_our_own_consumers_are_never_refused(server: OwnRedis) -> None:
    own = Caller("service", DEFAULT_INSTITUTION, name="service/grading")
    closed: dict[str, Any] = {"read": "1/h burst 1", "anonymous": "1/h burst 1"}
    for caller, path in ((None, "/health/ready"), (None, "/metrics"), (own, "/api/v1/courses")):
        answers = gate(server, caller, [("GET", path)] * 3, **closed)
        assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_revoked_session_is_told_to_log_in_again(server: OwnRedis) -> None:
    caller = person(session_id=new_id())
    server.client().set(f"revoked:{caller.session_id}", 1, ex=60)
    answer = gate(server, caller, [("GET", "/api/v1/courses")])[0]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
