"""How fast do recommendations and search answer, against an answer from popularity alone?

It asks the running profile's serving for learners who are in a course, one after the other and then
eight at a time, over connections that stay open. Every answer counts as shown: the benchmark's
impressions are on lms.recommendations.events like any other.
"""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from urllib.parse import urlencode

from contracts.errors import Rejected, Retryable
from contracts.ids import DEFAULT_INSTITUTION
from core_lms.access import operator
from gateway.settings import LONGEST_LIFETIME_S
from stack import postgres
from stack.http import HttpSettings

REQUESTS = 400
CLIENTS = 8
THROUGHPUT_S = 5.0
WARM_UP = 20
QUERIES = (
    "how similar are two documents",
    "is this difference due to chance",
    "why do prices rise",
    "how do computers find each other",
    "light absorbed by plants",
)


def run() -> dict[str, float | int | str]:
    learners = _learners()
    path = "/api/v1/recommendations"
    personal = [_path(path, user_id=user) for user in learners]
    popular = [_path(path, user_id=user, source="popular") for user in learners]
    search = [_path("/api/v1/search", q=query) for query in QUERIES]
    _latencies(personal, WARM_UP)
    answers, ranked = _latencies(personal, REQUESTS)
    _, yardstick = _latencies(popular, REQUESTS)
    _, found = _latencies(search, 100)
    first = json.loads(answers[-1])
    return {
        "learners": len(learners),
        "requests": REQUESTS,
        "model": first["model"],
        "recommendations_p50_ms": _ms(ranked, 50),
        "recommendations_p99_ms": _ms(ranked, 99),
        "popularity_only_p50_ms": _ms(yardstick, 50),
        "popularity_only_p99_ms": _ms(yardstick, 99),
        "search_p50_ms": _ms(found, 50),
        "search_p99_ms": _ms(found, 99),
        "clients": CLIENTS,
        "requests_per_s": _throughput(personal),
        "popularity_only_requests_per_s": _throughput(popular),
        "degraded_answers": sum(bool(json.loads(answer)["degraded"]) for answer in answers),
        "personal_answers": sum(b'"personal"' in answer for answer in answers),
    }


def _learners() -> list[str]:
    with postgres.connect_lms() as connection:
        rows = connection.execute(
            "SELECT DISTINCT user_id FROM enrollments WHERE status = 'enrolled' LIMIT 200"
        ).fetchall()
    if not rows:
        raise Rejected("nobody is in a course: learnstream import something first")
    return [str(user_id) for (user_id,) in rows]


def _path(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"


def _connect() -> http.client.HTTPConnection:
    settings = HttpSettings()
    return http.client.HTTPConnection(settings.host, settings.serving_port, timeout=10)


@cache
def _headers() -> dict[str, str]:
    """Of a machine that may do everything: its answers count as shown."""
    token = operator.token(DEFAULT_INSTITUTION, "bench", LONGEST_LIFETIME_S)
    return {"Authorization": f"Bearer {token}"}


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    try:
        connection.request("GET", path, headers=_headers())
        response = connection.getresponse()
        body = response.read()
    except OSError as error:
        raise Retryable(f"serving does not answer ({error}): learnstream up") from error
    if response.status != http.client.OK:
        raise Retryable(f"serving answered {response.status} for {path}: {body[:200]!r}")
    return body


def _latencies(paths: Sequence[str], count: int) -> tuple[list[bytes], list[float]]:
    """Answers and seconds of ``count`` requests, one after the other."""
    connection = _connect()
    answers, seconds = [], []
    for number in range(count):
        began = time.perf_counter()
        answers.append(_get(connection, paths[number % len(paths)]))
        seconds.append(time.perf_counter() - began)
    connection.close()
    return answers, seconds


def _throughput(paths: Sequence[str]) -> float:
    """Requests per second of ``CLIENTS`` that ask without a pause."""
    counts = [0] * CLIENTS
    failures: list[Exception] = []
    until = time.perf_counter() + THROUGHPUT_S

    def ask(client: int) -> Callable[[], None]:
        def loop() -> None:
            connection = _connect()
            try:
                while time.perf_counter() < until:
                    _get(connection, paths[(client * 31 + counts[client]) % len(paths)])
                    counts[client] += 1
            except Exception as error:
                failures.append(error)
            connection.close()

        return loop

    threads = [threading.Thread(target=ask(client)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return round(sum(counts) / THROUGHPUT_S, 1)


def _ms(seconds: Sequence[float], percentile: int) -> float:
    return round(statistics.quantiles(seconds, n=100)[percentile - 1] * 1000, 2)
