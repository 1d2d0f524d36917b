"""The driver keeps each learner's order, waits for an LMS that is away, stops at what is wrong."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.errors import Rejected, Retryable
from contracts.ids import DEFAULT_INSTITUTION
from imports.driving import Driver, Request


class Counter:
    """A server that answers as scripted and records its requests."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        route = Route("/api/v1/{rest:path}", self.answer, methods=["POST"])
        self.transport = httpx.ASGITransport(Starlette(routes=[route]))

    async def answer(self, request: HttpRequest) -> Response:
        if self.answers:
            return self.answers.pop(0)
        body = await request.json()
        await asyncio.sleep(0.001 * (body["number"] % 3))
        self.asked.append((body["learner"], body["number"]))
        return JSONResponse({}, status_code=201)


def run(server: Counter, requests: list[Request], patience_s: float = 5.0) -> Driver:
    async def drive() -> Driver:
        async with Driver(
            DEFAULT_INSTITUTION,
            url="http://lms.invalid",
            transport=server.transport,
            patience_s=patience_s,
            auth=httpx.Auth(),  # this server asks nobody who they are
        ) as driver:
            for request in requests:
                await driver.send(request)
            await driver.drained()
            return driver

    return asyncio.run(drive())


def request(learner: str, number: int) -> Request:
    body = json.dumps({"learner": learner, "number": number})
    return Request(learner, "view", "/anything", body, f"{learner}-{number}")


def test_each_learners_requests_arrive_in_order_and_all_arrive() -> None:
    server = Counter()
    sent = [request(f"learner-{n % 7}", n) for n in range(2_000)]
    driver = run(server, sent)
    assert driver.answers.made == {"view": 2_000}
    for learner in {name for name, _ in server.asked}:
        numbers = [number for name, number in server.asked if name == learner]
        assert numbers == sorted(numbers)


def test_an_lms_that_is_away_is_asked_again() -> None:
    away = [Response(status_code=503) for _ in range(3)]
    driver = run(Counter(*away), [request("a", 1), request("a", 2)])
    assert driver.answers.made == {"view": 2}


def test_an_lms_that_stays_away_ends_the_run_with_the_way_out() -> None:
    away = [Response(status_code=503) for _ in range(1_000)]
    with pytest.raises(Retryable, match="run this again"):
        run(Counter(*away), [request("a", 1)], patience_s=0.2)


def test_a_refusal_is_counted_by_its_reason_and_the_learner_goes_on() -> None:
    id_ = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"
    problem = JSONResponse({"detail": f"user {id_} has left course {id_}"}, status_code=409)
    driver = run(Counter(problem), [request("a", 1), request("a", 2)])
    assert driver.answers.refused == {"view: user has left course": 1}
    assert driver.answers.made == {"view": 1}


def test_a_request_that_is_wrong_stops_everything_even_with_full_lanes() -> None:
    wrong = JSONResponse({"detail": "no such item"}, status_code=404)
    with pytest.raises(Rejected, match="no such item"):
        run(Counter(wrong), [request("a", n) for n in range(500)])
