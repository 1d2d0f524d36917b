"""What serving reads is what the archive says for the same moments: events on their whole way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import wrap
from contracts.events.content import ContentCompleted, ContentViewed
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import CONTENT
from features import online_windows, served, skew
from features.recommender.candidates import ITEM, LEARNER
from features.served import Served
from pipelines import operation
from serving.windows import WindowReader, Windows
from stack import cli, kafka, postgres
from stack import redis as stack_redis
from tests.waiting import until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

PEOPLE, ITEMS = [new_id() for _ in range(20)], [new_id() for _ in range(8)]
COURSE = new_id()
AGO_H = (0.01, 0.5, 3, 30, 24 * 6.9, 24 * 20, 24 * 50)


@pytest.fixture
def running(flink: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LMS_FEATURES_SKEW_RATE", "1")
    assert cli.call("up", "archive", "features") == 0
    operation.submit(["learner_tiles", "item_tiles"])
    yield
    operation.cancel()
    cli.call("down", "archive", "features")


def publish(now: datetime, people: list[str]) -> int:
    """What these people did over the last fifty days; how many events."""
    producer = kafka.producer()
    events = 0
    for number, user_id in enumerate(people):
        for step, ago in enumerate(AGO_H):
            at = now - timedelta(hours=ago, seconds=number)
            item_id = ITEMS[(number + step) % len(ITEMS)]
            facts: dict[str, Any] = {"user_id": user_id, "course_id": COURSE, "item_id": item_id}
            viewed = ContentViewed(**facts, kind="page", clicks=step + 1)
            for event in (viewed, ContentCompleted(**facts, kind="page")):
                envelope = wrap(
                    event,
                    institution_id=DEFAULT_INSTITUTION,
                    source_service="content-service",
                    timestamp=at,
                )
                producer.produce(CONTENT.name, key=envelope.key, value=envelope.encode())
                events += 1
    assert producer.flush(30) == 0
    return events


def ask(*people: str) -> list[Windows]:
    """What serving reads for each of them, which it keeps."""

    async def read() -> list[Windows]:
        async with stack_redis.new_async_client() as client:
            reader = WindowReader(client)
            found = [await reader.read(user_id, ITEMS) for user_id in people]
            await reader.kept()
            return found

    return asyncio.run(read())


def in_archive() -> int:
    with postgres.connect_analytics() as connection:
        row = connection.execute(
            "SELECT count(*) FROM activity_events WHERE course_id = %s", [COURSE]
        ).fetchone()
    return row[0] if row else 0


def arrived(people: list[str], events_28d: int, events: int) -> None:
    """Wait until so much is in the archive and in the tiles; nothing of that counts as served."""
    wanted = (LEARNER, [(user_id,) for user_id in people]), (ITEM, [(item,) for item in ITEMS])

    def in_tiles() -> tuple[set[Any], int]:
        learners, items = online_windows.read(stack_redis.client(), *wanted)
        views = [row["item_views_all"] for row in items if row is not None]
        return {row and row["events_28d"] for row in learners}, sum(map(int, filter(None, views)))

    until_equal(in_archive, events, within_s=90)
    until_equal(in_tiles, ({events_28d}, events // 2), within_s=150)


@pytest.mark.slow
def test_every_served_feature_is_what_the_archive_says_for_its_moment(running: None) -> None:
    published = publish(datetime.now(UTC), PEOPLE)
    arrived(PEOPLE, 12, published)
    ask(*PEOPLE)
    published += publish(datetime.now(UTC), PEOPLE[:5])
    arrived(PEOPLE[:5], 24, published)
    answers = ask(*PEOPLE)
    assert answers[0].items["item_views_all"].sum() == published / 2

    mine = [one for one in served.read(stack_redis.client()) if one.ids[0] in {*PEOPLE, *ITEMS}]
    with postgres.connect_analytics(autocommit=True) as connection:
        found = skew.measure(connection, mine)
        assert {one.feature for one in found} == {*LEARNER.features, *ITEM.features}
        assert all(one.compared >= 2 * len(PEOPLE) for one in found)
        assert [one.figures() for one in found if one.matched != one.compared] == []
        assert skew.gate(found) == 1

        # Half a minute later all of it is old: a tile that was lost on its way would be found.
        at = max(one.at for one in mine) + timedelta(seconds=3 * skew.LAG_S)
        lost = Served(LEARNER, (PEOPLE[-1],), at, {"events_28d": 11})
        [measured] = skew.measure(connection, [lost])
    assert measured.differences == [-1]
