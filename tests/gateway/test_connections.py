"""Slow and greedy connections, at every process as it is run; nothing else needs to be up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from stack.profile import REPOSITORY
from tests.gateway.processes import PROCESSES, Process
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

HEADERS_S, BODY_S, IDLE_S, MOST = 1.5, 2.0, 1.0, 24
SLACK_S = 3.0
"""How much later than its deadline a busy machine may cut."""


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Where each process listens; they start all at once."""
    found = {name: free_port() for name in PROCESSES}
    running = {name: _start(PROCESSES[name], port) for name, port in found.items()}
    try:
        for name, port in found.items():
            until(lambda at=port: answers(at), f"{name} answers", process=running[name])
        yield found
    finally:
        for process in running.values():
            process.kill()
        for process in running.values():
            process.wait()


def _start(process: Process, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        process.port: str(port),
        "LMS_HTTP_HEADER_TIMEOUT_S": str(HEADERS_S),
        "LMS_HTTP_BODY_TIMEOUT_S": str(BODY_S),
        "LMS_HTTP_BODY_MIN_BYTES_PER_S": "1000",
        "LMS_HTTP_KEEP_ALIVE_S": str(IDLE_S),
        "LMS_HTTP_MAX_CONNECTIONS": str(MOST),
    }
    command = [sys.executable, "-m", process.module]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module", params=PROCESSES)
def port(request: pytest.FixtureRequest, ports: dict[str, int]) -> int:
    return ports[request.param]


@pytest.fixture(scope="module")
def slow(port: int) -> Iterator[dict[str, Future[Any]]]:
    """What became of slow clients, by name: all of them at once, for each takes seconds."""
    clients: dict[str, Callable[[int], Any]] = {
        **{name: partial(dripping_headers, *sent) for name, sent in SLOW_HEADERS.items()},
        **{name: partial(dripping_body, length) for name, length in SLOW_BODIES.items()},
        "silent": four_silent_sockets,
        "fair": fair_body,
        "idle": idle_after_an_answer,
        "next": dripping_next_request,
    }
    with ThreadPoolExecutor(len(clients)) as threads:
        yield {name: threads.submit(client, port) for name, client in clients.items()}


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_to_the_end(connection: socket.socket) -> bytes:
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def dripped(port: int, begin: bytes, drop: bytes, for_s: float) -> tuple[float, bytes]:
    """Send a byte every tenth of a second until cut off: after how long, and what was answered."""
    with connected(port) as connection:
        began = time.monotonic()
        connection.sendall(begin)
        connection.settimeout(0.1)
        found = b""
        while time.monotonic() - began < for_s:
            try:
                connection.sendall(drop)
                piece = connection.recv(65_536)
                if not piece:
                    return time.monotonic() - began, found
                found += piece
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return time.monotonic() - began, found
    raise AssertionError(f"still open after {for_s} s")


HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


SLOW_HEADERS = {
    "empty lines": (b"", b"\r\n"),
    "a method": (b"", b"G"),
    "a header": (HEAD + b"X-Slow: ", b"a"),
    "headers": (HEAD, b"A: b\r\n"),
}


def dripping_headers(begin: bytes, drop: bytes, port: int) -> float:
    return dripped(port, begin, drop, HEADERS_S + SLACK_S)[0]


@pytest.mark.parametrize("what", SLOW_HEADERS)
def test_slow_headers_are_cut(slow: dict[str, Future[Any]], what: str) -> None:
    assert slow[what].result() < HEADERS_S + SLACK_S


def four_silent_sockets(port: int) -> tuple[float, list[bytes]]:
    sockets = [connected(port) for _ in range(4)]
    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        answered = list(threads.map(read_to_the_end, sockets))
    took_s = time.monotonic() - began
    for one in sockets:
        one.close()
    return took_s, answered


def test_four_silent_sockets_are_closed(slow: dict[str, Future[Any]]) -> None:
    took_s, answered = slow["silent"].result()
    assert took_s < HEADERS_S + SLACK_S
    assert all(text.startswith(b"HTTP/1.1 408 ") for text in answered)


SLOW_BODIES = {
    "of a known length": b"Content-Length: 5000\r\n",
    "in chunks": b"Transfer-Encoding: chunked\r\n",
}


def dripping_body(length: bytes, port: int) -> float:
    drop = b" " if b"Length" in length else b"1\r\n \r\n"
    return dripped(port, POST + length + b"\r\n", drop, BODY_S + SLACK_S)[0]


@pytest.mark.parametrize("what", SLOW_BODIES)
def test_a_slow_body_is_cut(slow: dict[str, Future[Any]], what: str) -> None:
    assert BODY_S - 0.5 < slow[what].result() < BODY_S + SLACK_S


def fair_body(port: int) -> bytes:
    """The answer to a body that takes longer than the deadline, faster than the least rate."""
    body = json.dumps({"text": "a" * 20_000}).encode()
    pieces = 25
    with connected(port) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        step = -(-len(body) // pieces)
        for at in range(0, len(body), step):
            connection.sendall(body[at : at + step])
            time.sleep((BODY_S + 1.0) / pieces)
        return read_to_the_end(connection)


def test_a_body_that_takes_its_time_at_a_fair_rate_is_read(slow: dict[str, Future[Any]]) -> None:
    assert slow["fair"].result().startswith(b"HTTP/1.1 405 ")


def idle_after_an_answer(port: int) -> tuple[float, bytes]:
    with connected(port) as connection:
        connection.sendall(HEAD + b"\r\n")
        began = time.monotonic()
        answered = read_to_the_end(connection)
        return time.monotonic() - began, answered


def test_a_connection_without_a_request_is_closed(slow: dict[str, Future[Any]]) -> None:
    after_s, answered = slow["idle"].result()
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert after_s < IDLE_S + SLACK_S


def dripping_next_request(port: int) -> tuple[float, bytes]:
    return dripped(port, HEAD + b"\r\n" + HEAD, b"A: b\r\n", HEADERS_S + SLACK_S)


def test_a_kept_connection_that_drips_its_next_request_is_cut(
    slow: dict[str, Future[Any]],
) -> None:
    after_s, answered = slow["next"].result()
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert after_s < HEADERS_S + SLACK_S


def test_headers_without_an_end_are_cut_at_a_size(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD)
        sent = 0
        try:
            while sent < 10_000_000:
                connection.sendall(b"X: " + b"a" * 8_000)
                sent += 8_003
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 5_000_000, "what the sockets' own buffers take, and not more"


def test_a_connection_beyond_the_cap_is_refused_and_the_others_are_not(port: int) -> None:
    open_ones = []
    try:
        for _ in range(MOST):
            one = connected(port)
            one.sendall(HEAD)  # without an end
            open_ones.append(one)
        deadline = time.monotonic() + 1.0
        answered = b""
        while not answered.startswith(b"HTTP/1.1 503 ") and time.monotonic() < deadline:
            with connected(port) as beyond:
                answered = read_to_the_end(beyond)
        assert answered.startswith(b"HTTP/1.1 503 "), answered
        open_ones[0].sendall(b"Connection: close\r\n\r\n")
        assert read_to_the_end(open_ones[0]).startswith(b"HTTP/1.1 200 ")
    finally:
        for one in open_ones:
            one.close()
    until(lambda: answers(port), "it answers again", within_s=10)
