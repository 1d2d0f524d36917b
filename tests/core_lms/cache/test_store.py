"""Kept answers in a real Redis: who may keep one, who waits for one, and life without Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from contracts.envelope import wrap
from contracts.events.courses import CourseUpdated
from contracts.ids import DEFAULT_INSTITUTION, new_id
from core_lms import answers
from core_lms.answers import Answer, Entry
from core_lms.cache.settings import CacheSettings
from core_lms.cache.store import Cache, Miss
from stack.redis import clients
from tests.core_lms.own_redis import OwnRedis, running

pytestmark = pytest.mark.integration

OLD, NEW = Answer('"old"', b'{"title": "old"}'), Answer('"new"', b'{"title": "new"}')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with running(tmp_path_factory.mktemp("redis")) as own:
        yield own


def entry() -> Entry:
    return answers.course(DEFAULT_INSTITUTION, new_id())


def caching(server: OwnRedis, test: Callable[[Cache], Awaitable[None]], **settings: float) -> None:
    async def run() -> None:
        client = clients(server.url, 5.0)
        await test(Cache(client, CacheSettings(retry_after_s=0.05, **settings)))
        await client().aclose()

    asyncio.run(run())


async def missed(cache: Cache, wanted: Entry) -> Miss:
    found = await cache.find(wanted)
    assert isinstance(found, Miss)
    return found


def test_what_one_made_the_next_gets_byte_for_byte(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        await (await missed(cache, wanted)).fill(OLD)
        assert await cache.find(wanted) == OLD

    caching(server, test)


def test_an_answer_of_another_institution_or_kind_is_not_found(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        await (await missed(cache, wanted)).fill(OLD)
        for other in (
            answers.course(new_id(), wanted.id),
            answers.contents(wanted.institution_id, wanted.id),
        ):
            (await missed(cache, other)).close()

    caching(server, test)


def test_an_answer_lives_no_longer_than_its_time(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        await (await missed(cache, wanted)).fill(OLD)
        await asyncio.sleep(0.06)
        (await missed(cache, wanted)).close()

    caching(server, test, ttl_s=0.05)


def test_a_reader_who_looked_before_a_change_cannot_keep_what_it_saw(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        early = await missed(cache, wanted)  # reads the old row …
        changed = await cache.changing([wanted], {})  # … which is then changed
        await early.fill(OLD)
        early.close()
        (await missed(cache, wanted)).close()
        await changed()
        (await missed(cache, wanted)).close()

    caching(server, test)


def test_a_reader_between_change_and_commit_cannot_keep_what_it_saw(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        changed = await cache.changing([wanted], {wanted: NEW})
        between = await missed(cache, wanted)  # still sees the old row
        await changed()
        await between.fill(OLD)
        between.close()
        assert await cache.find(wanted) == NEW

    caching(server, test)


def test_of_two_writers_the_later_one_is_kept_whoever_reports_first(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        first = await cache.changing([wanted], {wanted: OLD})
        second = await cache.changing([wanted], {wanted: NEW})  # after the first one's commit
        await second()
        await first()
        assert await cache.find(wanted) == NEW

    caching(server, test)


def test_fifty_who_ask_at_once_have_it_made_once(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted, made = entry(), 0

        async def ask() -> Answer:
            nonlocal made
            found = await cache.find(wanted)
            if isinstance(found, Answer):
                return found
            made += 1
            await asyncio.sleep(0.02)  # Postgres takes its time
            await found.fill(OLD)
            return OLD

        assert set(await asyncio.gather(*(ask() for _ in range(50)))) == {OLD}
        assert made == 1

    caching(server, test)


def test_who_waits_is_not_let_down_by_one_who_fails(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        failing = await missed(cache, wanted)
        waiting = asyncio.create_task(cache.find(wanted))
        await asyncio.sleep(0.01)
        failing.close()  # refused, or an error
        found = await waiting
        assert isinstance(found, Miss)
        await found.fill(OLD)
        assert await cache.find(wanted) == OLD
        assert not cache.filling

    caching(server, test)


def test_without_redis_everything_is_a_miss_and_nothing_fails(server: OwnRedis) -> None:
    async def test(cache: Cache) -> None:
        wanted = entry()
        await (await missed(cache, wanted)).fill(OLD)
        server.kill()
        for _ in range(3):
            found = await missed(cache, wanted)
            await found.fill(NEW)
            found.close()
        changed = await cache.changing([wanted], {wanted: NEW})
        await changed()
        server.start()
        await asyncio.sleep(0.06)  # it is left alone for so long
        await (await missed(cache, wanted)).fill(NEW)
        assert await cache.find(wanted) == NEW

    caching(server, test)


def test_every_change_of_a_course_invalidates_its_answers() -> None:
    course_id = new_id()
    event = wrap(
        CourseUpdated(course_id=course_id),
        institution_id=DEFAULT_INSTITUTION,
        source_service="course-service",
    )
    assert answers.invalidated_by(DEFAULT_INSTITUTION, [event, event]) == [
        answers.course(DEFAULT_INSTITUTION, course_id),
        answers.contents(DEFAULT_INSTITUTION, course_id),
    ]
