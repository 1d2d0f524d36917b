"""Which passwords are good enough, and how they are kept and checked."""

from __future__ import annotations

import asyncio
import time

import pytest

from contracts.errors import Rejected, Retryable
from core_lms.sessions.password_rules import check
from core_lms.sessions.passwords import Hashing
from core_lms.sessions.settings import SessionSettings

CHEAP = SessionSettings(argon2_memory_kib=8192, argon2_passes=1)
MIRA = ["Mira Okafor", "mira.okafor@example.org"]


@pytest.mark.parametrize(
    "password",
    [
        "short one",
        "password123",
        "P@ssw0rd2024!",
        "p4ssw0rdp4ssw0rd",
        "qwertyuiop12",
        "1234567890",
        "abcdefghij",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "hunter2hunter2",
        "Learnstream1",
        "Summer2024!!",
        "mira.okafor1990",
        "0k4f0r-m1r4!",
        "zxcvbnm,./",
        "x" * 129,
    ],
)
def test_what_guessers_try_first_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(Rejected) as error:
        check(password, min_length=10, personal=MIRA)
    assert password not in error.value.message


@pytest.mark.parametrize(
    "password",
    [
        "ocean green lamp",
        "correct horse battery",
        "xK9#vbn2Lq!",
        "мойпароль-длинный",
        "鯨の歌は夜に響く朝まで",
    ],
)
def test_what_takes_guessing_is_taken(password: str) -> None:
    check(password, min_length=10, personal=MIRA)


def test_the_right_password_is_right_and_nobody_s_is_not() -> None:
    hashing = Hashing(CHEAP)

    async def run() -> list[bool]:
        hash_ = await hashing.hash("ocean green lamp")
        assert hash_.startswith("$argon2id$")
        return [
            await hashing.is_right(hash_, "ocean green lamp"),
            await hashing.is_right(hash_, "ocean green lamp "),
            await hashing.is_right(None, "ocean green lamp"),
            await hashing.is_right("not a hash", "ocean green lamp"),
        ]

    assert asyncio.run(run()) == [True, False, False, False]


def test_a_hash_of_other_parameters_is_told_apart() -> None:
    stronger = SessionSettings(argon2_memory_kib=8192, argon2_passes=3)
    hash_ = asyncio.run(Hashing(CHEAP).hash("ocean green lamp"))
    assert not Hashing(CHEAP).is_outdated(hash_)
    assert Hashing(stronger).is_outdated(hash_)


def test_an_unknown_account_costs_as_much_as_a_wrong_password() -> None:
    hashing = Hashing(SessionSettings())

    async def seconds(hash_: str | None) -> float:
        started = time.perf_counter()
        for _ in range(5):
            await hashing.is_right(hash_, "wrong password")
        return time.perf_counter() - started

    async def run() -> tuple[float, float]:
        hash_ = await hashing.hash("ocean green lamp")
        return await seconds(hash_), await seconds(None)

    known, unknown = asyncio.run(run())
    assert 0.4 < known / unknown < 2.5


def test_hashing_leaves_the_loop_free_and_turns_a_flood_away() -> None:
    hashing = Hashing(SessionSettings(hashing_at_once=1, hashing_queue=3))

    async def run() -> tuple[int, list[object]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        results = await asyncio.gather(
            *(hashing.hash("ocean green lamp") for _ in range(10)), return_exceptions=True
        )
        ticking.cancel()
        return ticks, list(results)

    ticks, results = asyncio.run(run())
    assert sum(isinstance(result, str) for result in results) == 4
    assert sum(isinstance(result, Retryable) for result in results) == 6
    assert ticks > 100
