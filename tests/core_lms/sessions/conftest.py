"""People with passwords, a clock for what Redis keeps, and a client that logs in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
import redis.asyncio

from contracts.ids import new_id
from core_lms.session_store.store import Sessions
from core_lms.sessions import asks, links, repository
from core_lms.sessions.passwords import hashing
from core_lms.sessions.settings import SessionSettings
from core_lms.unit import Unit
from stack.postgres import PostgresSettings, pool
from stack.profile import Profile
from stack.redis import RedisSettings
from tests.core_lms.units import in_unit

PASSWORD = "ocean green lamp"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_redis(act: Callable[[redis.asyncio.Redis], Coroutine[Any, Any, Any]]) -> Any:
    """The result of ``act`` with a client of the real Redis."""

    async def run() -> Any:
        async with redis.asyncio.Redis.from_url(RedisSettings().url) as client:
            return await act(client)

    return asyncio.run(run())


@dataclass
class Store:
    """The sessions of one made-up person, by the test's clock."""

    clock: Clock
    settings: SessionSettings
    institution_id: str
    user_id: str

    def do(self, act: Callable[[Sessions], Coroutine[Any, Any, Any]]) -> Any:
        return in_redis(lambda client: act(Sessions(client, self.settings, self.clock)))

    def begin(self) -> Any:
        return self.do(
            lambda s: s.begin(self.institution_id, self.user_id, method="password", agent="curl")
        )


@pytest.fixture
def store(stack: Profile, clock: Clock) -> Store:
    return Store(clock, SessionSettings(max_per_person=3), new_id(), new_id())


async def _answered() -> None:
    async with pool(PostgresSettings().app_url) as database:
        await asks.answer_all(database)


@dataclass
class Person:
    """Somebody with a password; requests go without the operator's token."""

    lms: Any
    user_id: str
    email: str

    def post(self, path: str, body: Any, **headers: str) -> Any:
        headers = {"X-Institution-Id": self.lms.institution_id, **headers}
        return self.lms.http.post(f"/api/v1{path}", json=body, headers=headers)

    def ask(self, path: str, body: Any) -> Any:
        """The same, and what is done about it a moment later."""
        answer = self.post(path, body)
        asyncio.run(_answered())
        return answer

    def log_in(self, password: str = PASSWORD) -> Any:
        return self.post("/sessions", {"email": self.email, "password": password})

    def tokens(self) -> dict[str, Any]:
        answer = self.log_in()
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def refresh(self, tokens: dict[str, Any]) -> Any:
        return self.post("/sessions/refresh", {"refresh_token": tokens["refresh_token"]})

    def call(self, tokens: dict[str, Any], method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens['access_token']}", **more.pop("headers", {})}
        return self.lms.http.request(method, f"/api/v1{path}", headers=headers, **more)

    def me(self, tokens: dict[str, Any]) -> int:
        """The status of looking at one's own account."""
        return int(self.call(tokens, "GET", f"/users/{self.user_id}").status_code)

    def link(self, purpose: Any = "reset") -> str:
        """What follows the # in a link that is mailed."""
        url = in_unit(self.lms.institution_id, lambda unit: links.mint(unit, self.user_id, purpose))
        return str(url).partition("#")[2]


@pytest.fixture
def anybody(lms: Any) -> Callable[..., Person]:
    """Makes a person with a password."""

    def make(role: str = "student", password: str | None = PASSWORD) -> Person:
        email = f"{new_id()}@example.org"
        made = lms.made("/users", {"email": email, "name": "Mira Okafor", "role": role})
        if password is not None:

            async def give(unit: Unit) -> None:
                hash_ = await hashing().hash(password)
                await repository.set_password(unit, made["id"], hash_)

            in_unit(lms.institution_id, give)
        return Person(lms, made["id"], email)

    return make


@pytest.fixture
def mira(anybody: Callable[..., Person]) -> Person:
    return anybody()
