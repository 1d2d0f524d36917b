"""Wrong tries wait longer and longer, by the test's clock, on the real Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from contracts.errors import Retryable
from contracts.ids import new_id
from core_lms.sessions.settings import SessionSettings
from core_lms.sessions.throttle import Throttle
from gateway.errors import TooManyRequests
from stack.profile import Profile
from tests.core_lms.sessions.conftest import in_redis

pytestmark = pytest.mark.integration
SETTINGS = SessionSettings(free_failures=3, free_failures_of_address=6, longest_wait_s=60)


class Guesser:
    def __init__(self, clock: Any) -> None:
        self.clock, self.account, self.address = clock, new_id(), new_id()

    def tries(self, account: str | None = None, address: str | None = None) -> float:
        """Seconds to wait; 0 where the try was let through."""
        try:
            in_redis(
                lambda client: Throttle(client, SETTINGS, self.clock).attempt(
                    account or self.account, address or self.address
                )
            )
        except TooManyRequests as error:
            return float(error.retry_after_s)
        return 0

    def is_right(self) -> None:
        in_redis(
            lambda client: Throttle(client, SETTINGS, self.clock).forget(self.account, self.address)
        )


@pytest.fixture
def guesser(stack: Profile, clock: Any) -> Guesser:
    return Guesser(clock)


def test_the_wait_doubles_with_every_failure_up_to_a_bound(guesser: Guesser, clock: Any) -> None:
    assert [guesser.tries(address=new_id()) for _ in range(3)] == [0, 0, 0]
    waits = []
    for _ in range(9):
        wait = guesser.tries(address=new_id())
        waits.append(wait)
        clock.now += wait
        assert guesser.tries(address=new_id()) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_trying_while_waiting_does_not_prolong_the_wait(guesser: Guesser, clock: Any) -> None:
    for _ in range(5):
        guesser.tries()
        clock.now += 1
    for _ in range(10):
        guesser.tries()
    clock.now += 4
    assert guesser.tries() == 0


def test_one_address_cannot_try_one_password_on_everybody(guesser: Guesser) -> None:
    waits = [guesser.tries(account=new_id()) for _ in range(8)]
    assert waits[:6] == [0] * 6
    assert all(waits[6:])
    assert guesser.tries(address=new_id()) == 0, "others are not in its way"


def test_a_right_password_clears_the_account_and_gives_the_address_its_try_back(
    guesser: Guesser,
) -> None:
    for _ in range(20):
        assert guesser.tries() == 0
        guesser.is_right()


def test_tries_side_by_side_are_counted_before_they_are_made(guesser: Guesser) -> None:
    async def all_at_once(client: redis.asyncio.Redis) -> int:
        throttle = Throttle(client, SETTINGS, guesser.clock)
        done = await asyncio.gather(
            *(throttle.attempt(guesser.account, None) for _ in range(50)), return_exceptions=True
        )
        return sum(result is None for result in done)

    assert in_redis(all_at_once) == SETTINGS.free_failures


def test_without_redis_there_is_no_guessing(clock: Any) -> None:
    async def run() -> None:
        async with redis.asyncio.Redis(port=1) as client:
            await Throttle(client, SETTINGS, clock).attempt("somebody", None)

    with pytest.raises(Retryable):
        asyncio.run(run())
