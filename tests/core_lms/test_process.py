"""``python -m core_lms`` as the supervisor runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.access.operator import token
from stack.profile import REPOSITORY, Profile
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def server(stack: Profile) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LMS_PRINCIPAL": "lms"}
    environment["LMS_HTTP_LMS_PORT"] = str(port)
    process = subprocess.Popen([sys.executable, "-m", "core_lms"], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _is_ready(url), "the LMS is ready", process=process)
        yield process, url
    finally:
        process.kill()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_it_answers_and_ends_cleanly_when_told_to(server: Any) -> None:
    process, url = server
    assert httpx.get(f"{url}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{url}/api/v1/courses").status_code == 401
    headers = {"Authorization": f"Bearer {token(DEFAULT_INSTITUTION, 'test')}"}
    assert httpx.get(f"{url}/api/v1/courses", headers=headers).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) in (0, -signal.SIGTERM)


def test_readiness_tells_how_old_the_oldest_waiting_event_is(http: Any, database: Any) -> None:
    database.execute("INSERT INTO outbox (topic, key, message) VALUES ('t', 'k', '{}')")
    try:
        assert http.get("/health/ready").json()["outbox_lag_s"] > 0
    finally:
        database.execute("DELETE FROM outbox WHERE topic = 't'")
