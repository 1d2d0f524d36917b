"""The stream of a person's list, over real HTTP: live, and resumed without a gap."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import uvicorn

from contracts.events.enrollments import CourseCompleted
from contracts.ids import new_id
from core_lms.app import create_app
from tests.ports import free_port
from tests.waiting import until

from .conftest import Post

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(stack: Any) -> Iterator[str]:
    """The application behind a real server: a test client would wait for the stream's end."""
    port = free_port()
    config = uvicorn.Config(create_app(), port=port, log_config=None, timeout_graceful_shutdown=2)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running.started or not thread.is_alive(), "the LMS listens")
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(30)


class Listening:
    """A client of the stream, in a thread; ``numbers`` are the ids it got, in order."""

    def __init__(self, server: str, person: Any, user_id: str, last: int | None = None) -> None:
        self.numbers: list[int] = []
        self.subjects: list[str] = []
        self.open = threading.Event()
        self._end = threading.Event()
        headers = {"Authorization": f"Bearer {person.token}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        url = f"{server}/api/v1/users/{user_id}/notifications/stream"
        self._thread = threading.Thread(target=self._run, args=(url, headers), daemon=True)
        self._thread.start()
        assert self.open.wait(30)

    def _run(self, url: str, headers: dict[str, str]) -> None:
        # In the end the server goes away under it.
        with (
            suppress(httpx.TransportError),
            httpx.stream("GET", url, headers=headers, timeout=60) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                self.open.set()
                if line.startswith("id: "):
                    self.numbers.append(int(line[4:]))
                elif line.startswith("data: "):
                    self.subjects.append(json.loads(line[6:])["subject"])
                if self._end.is_set():
                    return

    def end(self) -> None:
        self._end.set()


def test_entries_appear_at_once_and_a_browser_that_comes_again_gets_what_it_missed(
    server: str, post: Post
) -> None:
    lms = post.lms
    user_id, course_id = lms.user(), lms.course()
    me = lms.person(user_id)

    def notify(count: int) -> None:
        for _ in range(count):
            post.notify(
                CourseCompleted(
                    enrollment_id=new_id(),
                    user_id=user_id,
                    course_id=course_id,
                    completion_percentage=100.0,
                    certification_issued=False,
                )
            )
        post.send()

    notify(1)
    first = Listening(server, me, user_id)
    notify(2)
    until(lambda: first.numbers == [2, 3], "both appear, the older one does not", within_s=10)
    first.end()
    notify(2)
    again = Listening(server, me, user_id, last=3)
    notify(1)
    until(lambda: again.numbers == [4, 5, 6], "what was missed, then what comes", within_s=10)
    again.end()
    assert set(again.subjects) == {"You completed Statistics"}


def test_a_stranger_gets_no_stream(server: str, post: Post) -> None:
    user_id, stranger = post.lms.user(), post.lms.person(post.lms.user())
    url = f"{server}/api/v1/users/{user_id}/notifications/stream"
    headers = {"Authorization": f"Bearer {stranger.token}"}
    assert httpx.get(url, headers=headers).status_code == 403
    malformed = {"Authorization": f"Bearer {stranger.token}", "Last-Event-ID": "x"}
    assert httpx.get(url, headers=malformed).status_code == 422
