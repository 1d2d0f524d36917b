"""Last-seen times are written behind: in groups, the newest wins, a failure loses none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from contracts.ids import new_id
from core_lms.cache.last_seen import LastSeen
from gateway.caller import Caller, service
from stack.postgres import PostgresSettings, pool

pytestmark = pytest.mark.integration

NOON = datetime(2026, 2, 17, 12, tzinfo=UTC).timestamp()
Pool = AsyncConnectionPool[Any]


def with_pool(test: Callable[[Pool], Awaitable[None]], url: str | None = None) -> None:
    async def run() -> None:
        async with pool(url or PostgresSettings().app_url) as database:
            await test(database)

    asyncio.run(run())


def person(lms: Any) -> Caller:
    return Caller("person", lms.institution_id, user_id=lms.user())


def seen_at(database: psycopg.Connection[Any], caller: Caller) -> float | None:
    row = database.execute(
        "SELECT last_seen_at FROM users_seen WHERE user_id = %s", [caller.user_id]
    ).fetchone()
    return row and row[0].timestamp()


def test_people_of_two_institutions_are_written_in_one_flush(lms: Any) -> None:
    here, there = person(lms), person(lms.elsewhere())
    notes = LastSeen(10.0, lambda: NOON)
    for caller in (here, there, here, service("grading", lms.institution_id)):
        notes.note(caller)

    async def test(database: Pool) -> None:
        assert await notes.flush(database) == 2
        assert await notes.flush(database) == 0

    with_pool(test)
    assert seen_at(lms.database, here) == seen_at(lms.database, there) == NOON


def test_an_older_note_of_a_slower_process_does_not_win(lms: Any) -> None:
    caller = person(lms)
    quick, slow = LastSeen(10.0, lambda: NOON + 5), LastSeen(10.0, lambda: NOON)

    async def test(database: Pool) -> None:
        for notes in (quick, slow):
            notes.note(caller)
            await notes.flush(database)

    with_pool(test)
    assert seen_at(lms.database, caller) == NOON + 5


def test_somebody_who_is_not_there_any_more_spoils_nobody_s_note(lms: Any) -> None:
    caller = person(lms)
    notes = LastSeen(10.0, lambda: NOON)
    notes.note(Caller("person", lms.institution_id, user_id=new_id()))
    notes.note(caller)

    async def test(database: Pool) -> None:
        await notes.flush(database)

    with_pool(test)
    assert seen_at(lms.database, caller) == NOON


def test_what_cannot_be_written_is_kept_and_written_later(lms: Any) -> None:
    caller = person(lms)
    notes = LastSeen(10.0, lambda: NOON)
    notes.note(caller)

    async def away() -> None:
        nowhere = pool("postgresql://lms@127.0.0.1:9/lms")
        nowhere.timeout = 0.2
        await nowhere.open(wait=False)
        with pytest.raises(PoolTimeout):
            await notes.flush(nowhere)
        await nowhere.close()

    asyncio.run(away())

    async def test(database: Pool) -> None:
        assert await notes.flush(database) == 1

    with_pool(test)
    assert seen_at(lms.database, caller) == NOON


def test_the_last_notes_are_written_when_the_process_is_told_to_end(lms: Any) -> None:
    caller = person(lms)
    notes = LastSeen(3600.0, lambda: NOON)

    async def test(database: Pool) -> None:
        task = asyncio.create_task(notes.keep_writing(database))
        await asyncio.sleep(0)
        notes.note(caller)
        task.cancel()
        await asyncio.wait([task])

    with_pool(test)
    assert seen_at(lms.database, caller) == NOON
