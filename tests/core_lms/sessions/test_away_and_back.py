"""Sessions when Redis is killed and comes back, when it is away, and when people race."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from contracts.ids import new_id
from core_lms.session_store import store
from core_lms.session_store.store import Sessions, unseal
from core_lms.sessions import service
from core_lms.sessions.settings import SessionSettings
from gateway.errors import Unauthenticated
from stack.local.redis import Redis
from stack.profile import Profile
from tests.core_lms.sessions.conftest import Person
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration


class Killed:
    """A Redis that keeps an append-only file, as the local profile's does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        options = ["--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "everysec"]
        program = str(Redis().launch().argv[0])
        process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        until(
            redis.Redis(port=self.port).ping,
            "Redis answers",
            every_s=0.01,
            ignoring=redis.ConnectionError,
            process=process,
        )
        return process

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def do(self, act: Callable[[Sessions], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            async with redis.asyncio.Redis(port=self.port) as client:
                return await act(Sessions(client, SessionSettings(refresh_grace_s=0)))

        return asyncio.run(run())


@pytest.fixture
def killed(stack: Profile, tmp_path: Path) -> Iterator[Killed]:
    own = Killed(tmp_path)
    yield own
    own.process.kill()
    own.process.wait()


def test_sessions_outlive_a_killed_redis_and_so_do_their_ends(killed: Killed) -> None:
    institution_id, user_id = new_id(), new_id()

    def begin() -> Any:
        return killed.do(lambda s: s.begin(institution_id, user_id, method="password", agent=""))

    (_, first), (ended, _) = begin(), begin()
    _, second = killed.do(lambda s: s.refresh(unseal(first)))
    killed.do(lambda s: s.end(user_id, ended.id))

    killed.restart()

    _, third = killed.do(lambda s: s.refresh(unseal(second)))
    assert redis.Redis(port=killed.port).exists(f"revoked:{ended.id}")
    with pytest.raises(Unauthenticated, match="used before"):
        killed.do(lambda s: s.refresh(unseal(first)))
    with pytest.raises(Unauthenticated):
        killed.do(lambda s: s.refresh(unseal(third)))


def test_without_redis_nobody_logs_in_and_nobody_is_suspended_by_half(
    mira: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = mira.tokens()

    def away() -> redis.asyncio.Redis:
        return redis.asyncio.Redis(port=1)

    monkeypatch.setattr(service, "async_client", away)
    monkeypatch.setattr(store, "async_client", away)
    assert mira.log_in().status_code == 503
    assert mira.refresh(tokens).status_code == 503
    assert suspend(mira) == 503
    monkeypatch.undo()
    assert mira.lms.get(f"/users/{mira.user_id}").json()["status"] == "active"
    assert mira.refresh(tokens).status_code == 200


def test_no_login_slips_past_a_suspension(mira: Person) -> None:
    with ThreadPoolExecutor(6) as threads:
        logins = [threads.submit(mira.log_in) for _ in range(4)]
        suspended = threads.submit(suspend, mira)
        logins += [threads.submit(mira.log_in) for _ in range(4)]
        assert suspended.result() == 200
        answers = [login.result() for login in logins]
    assert {answer.status_code for answer in answers} <= {201, 403, 429}
    got = [answer.json() for answer in answers if answer.status_code == 201]
    assert [mira.me(tokens) for tokens in got] == [401] * len(got)
    assert [mira.refresh(tokens).status_code for tokens in got] == [401] * len(got)


def suspend(person: Person) -> int:
    path = f"/users/{person.user_id}/status"
    body, headers = {"status": "suspended"}, {"If-Match": "*"}
    return int(person.lms.call("PUT", path, json=body, headers=headers).status_code)
