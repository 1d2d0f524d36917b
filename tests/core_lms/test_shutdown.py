"""SIGTERM while requests are under way: each is answered, streams are closed, notes are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest

from contracts.errors import Misconfigured
from core_lms import services
from core_lms.services import ServiceSettings
from stack.postgres import connect_lms
from stack.profile import REPOSITORY, Profile
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

WAITING = 6


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def server(
    stack: Profile, request: pytest.FixtureRequest
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_HTTP_LMS_PORT": str(port),
        "LMS_HTTP_LMS_WORKERS": str(request.param),
        "LMS_SERVICES": "courses,notifications,users",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "core_lms"], env=environment, stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(url), "the LMS answers", process=process)
    yield process, url
    process.kill()
    process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_told_to_end_it_answers_what_it_has_begun_and_closes_streams(
    server: tuple[subprocess.Popen[bytes], str], lms: Any
) -> None:
    process, url = server
    course_id, learner = lms.course(), lms.user()
    streaming, streamed = threading.Event(), threading.Event()

    def change(number: int) -> int:
        headers = {"Authorization": f"Bearer {lms.token}", "If-Match": "*"}
        body = {"title": f"Title {number}"}
        path = f"{url}/api/v1/courses/{course_id}"
        return httpx.patch(path, json=body, headers=headers, timeout=30).status_code

    def listen() -> None:
        person = lms.person(learner)
        headers = {"Authorization": f"Bearer {person.token}"}
        path = f"{url}/api/v1/users/{learner}/notifications/stream"
        with httpx.stream("GET", path, headers=headers, timeout=30) as stream:
            assert stream.status_code == 200, stream.read()
            streaming.set()
            for _ in stream.iter_raw():
                pass  # until the server ends it, which raises where it was cut off
        streamed.set()

    listening = in_thread(listen)
    assert streaming.wait(30)
    with connect_lms() as holder:
        holder.execute("SELECT FROM courses WHERE id = %s FOR UPDATE", [course_id])
        changes = [in_thread(change, number) for number in range(WAITING)]
        until_waiting(lms.database, WAITING)
        process.send_signal(signal.SIGTERM)
        assert streamed.wait(8), "the stream was not closed"
        assert not any(future.done() for future in changes)
    assert [future.result(20) for future in changes] == [200] * WAITING
    listening.result(1)
    assert process.wait(15) in (0, -signal.SIGTERM)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live")
    row = lms.database.execute(
        "SELECT now() - last_seen_at < interval '1 minute' FROM users_seen WHERE user_id = %s",
        [learner],
    ).fetchone()
    assert row == (True,), "who was last seen was forgotten"


def in_thread(call: Callable[..., Any], *args: Any) -> Future[Any]:
    """A thread that a failing test does not wait for."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call(*args))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def until_waiting(database: Any, clients: int) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'learnstream-lms' AND wait_event_type = 'Lock'"
    )
    until(lambda: database.execute(query).fetchone()[0] >= clients, "they wait", every_s=0.02)


def test_only_the_chosen_contexts_are_served() -> None:
    chosen = services.chosen(ServiceSettings(LMS_SERVICES="users, courses"))
    assert chosen == ["courses", "users"]
    assert services.chosen(ServiceSettings(LMS_SERVICES="")) == services.known()


def test_a_context_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(Misconfigured, match=r"names coursez: .* Choose from .*courses, "):
        services.chosen(ServiceSettings(LMS_SERVICES="users,coursez"))


def test_each_context_starts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in services.known():
        monkeypatch.setenv("LMS_SERVICES", name)
        assert services.chosen() == [name]
        services.routers()
