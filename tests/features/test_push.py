"""Feature rows on real servers: what is pushed is what is read, online and in history."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from redis import asyncio as redis_asyncio

from contracts.dead_letters import DeadLetter
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import DEAD_LETTERS, FEATURES
from features import trail
from features.catalogue import VIEWS
from features.online import decode, entity_key, fields
from stack import kafka, postgres
from stack import redis as stack_redis
from stack.profile import REPOSITORY
from stack.redis import RedisSettings
from tests.topics import ends
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

LEARNER = VIEWS["learner_activity"]
ITEM = VIEWS["item_quality"]


def learner_row(user_id: str, second: int, item_id: str | None = None) -> dict[str, Any]:
    at = f"2026-11-01T10:00:{second:02d}Z"
    return {
        "feature_view": "learner_activity",
        "entity_id": user_id,
        "institution_id": DEFAULT_INSTITUTION,
        "event_timestamp": at,
        "features": {"last_item_id": item_id, "last_seen_at": at},
    }


def item_row(item_id: str, second: int, views: int) -> dict[str, Any]:
    at = f"2026-11-01T10:00:{second:02d}Z"
    return {
        "feature_view": "item_quality",
        "entity_id": item_id,
        "institution_id": DEFAULT_INSTITUTION,
        "event_timestamp": at,
        "features": {"views_28d": views, "learner_days_28d": 2**40 + views, "trend": views / 4},
    }


def publish(*rows: dict[str, Any] | bytes) -> None:
    producer = kafka.producer()
    for row in rows:
        if isinstance(row, bytes):
            producer.produce(FEATURES.name, key=b"junk", value=row)
        else:
            key = f"{row['feature_view']}/{row['entity_id']}"
            producer.produce(FEATURES.name, key=key, value=json.dumps(row))
    assert producer.flush(10) == 0


def online(view: Any, *entity_ids: str) -> dict[str, dict[str, Any]]:
    """Those of the entities that have a row."""
    client = stack_redis.client()
    found = {one: client.hmget(entity_key(view, one), fields(view)) for one in entity_ids}
    rows = {one: decode(view, reply) for one, reply in found.items()}  # type: ignore[arg-type]
    return {one: row for one, row in rows.items() if row is not None}


def history(view: Any, entity_id: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(view.features)
    query = (
        f"SELECT {columns} FROM features.{view.name} WHERE {view.entity.join_key} = %s "
        "ORDER BY event_timestamp"
    )
    with postgres.connect_analytics() as connection:
        return connection.execute(query, (entity_id,)).fetchall()  # type: ignore[call-overload]


def end_of_topic() -> list[TopicPartition]:
    """Where the topic ends now: other tests may have filled it."""
    return [TopicPartition(*place, offset) for place, offset in ends(FEATURES.name).items()]


@contextmanager
def pushing(start: list[TopicPartition] | None = None) -> Iterator[Callable[[], None]]:
    """The process's loop in a thread, in a group of its own that begins at ``start`` (the end).

    Gives a function that returns once it is through with all that is on the topic by then.
    """
    from features import push

    group = f"test-{new_id()}"
    starter = kafka.consumer(group)
    starter.commit(offsets=start or end_of_topic(), asynchronous=False)

    def through() -> None:
        end = {place.partition: place.offset for place in end_of_topic()}
        places = [TopicPartition(FEATURES.name, partition) for partition in end]
        until(
            lambda: all(at.offset >= end[at.partition] for at in starter.committed(places)),
            "the process is through with the topic",
        )

    stop = threading.Event()
    thread = threading.Thread(target=push.run, args=(stop,), kwargs={"group": group})
    thread.start()
    try:
        yield through
    finally:
        starter.close()
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_pushed_row_is_read_online_in_history_and_by_feast_alike() -> None:
    user_id, item_id, course_item = new_id(), new_id(), new_id()
    first, last = learner_row(user_id, 1, course_item), learner_row(user_id, 2, item_id)
    with pushing() as through:
        publish(first, last, item_row(item_id, 3, 7))
        through()

        assert online(LEARNER, user_id) == {user_id: last["features"]}
        found = online(ITEM, item_id)[item_id]
        assert (found["views_28d"], found["learner_days_28d"]) == (7, 2**40 + 7)
        assert (found["trend"], found["views_1d"]) == (7 / 4, None)
        assert online(ITEM, new_id()) == {}
        assert history(LEARNER, user_id) == [
            tuple(row["features"][name] for name in LEARNER.features) for row in (first, last)
        ]
        assert asyncio.run(read_trail(user_id)) == [item_id, course_item]

        from features import store

        feast = store.FeatureStore(config=store.config())
        names = [f"learner_activity:{name}" for name in LEARNER.features]
        answer = feast.get_online_features(names, [{"user_id": user_id}]).to_dict()
        assert {name: answer[name][0] for name in LEARNER.features} == last["features"]


async def read_trail(user_id: str) -> list[str]:
    async with redis_asyncio.Redis.from_url(RedisSettings().url) as client:
        return list(await trail.newest(client, LEARNER, user_id, 10))


def test_the_same_rows_again_change_nothing_and_a_later_row_of_one_moment_wins() -> None:
    user_id = new_id()
    rows = [learner_row(user_id, 1, item) for item in ("one", "another", "the last")]
    before_them = end_of_topic()
    with pushing() as through:
        publish(*rows)
        through()
    assert online(LEARNER, user_id) == {user_id: rows[-1]["features"]}
    kept = history(LEARNER, user_id)
    assert [row[0] for row in kept] == ["the last"]
    stamp = "SELECT received_at FROM features.learner_activity WHERE user_id = %s"
    with postgres.connect_analytics() as connection:
        before = connection.execute(stamp, (user_id,)).fetchone()
    with pushing(before_them) as through:  # another group reads the same rows again
        through()
    with postgres.connect_analytics() as connection:
        assert connection.execute(stamp, (user_id,)).fetchone() == before
    assert history(LEARNER, user_id) == kept
    assert online(LEARNER, user_id) == {user_id: rows[-1]["features"]}


def test_a_row_that_cannot_be_read_becomes_a_dead_letter_and_the_next_one_is_pushed() -> None:
    item_id, user_id = new_id(), new_id()
    wrong = learner_row(user_id, 1)
    wrong["features"]["last_item_id"] = 42
    before = ends(DEAD_LETTERS.name)
    with pushing() as through:
        publish(b"{not json", wrong, item_row(item_id, 1, 5))
        through()
    assert online(ITEM, item_id) != {}
    assert online(LEARNER, user_id) == {}
    letters = [
        DeadLetter.model_validate_json(message.value())
        for messages in kafka.remaining(before)
        for message in messages
    ]
    assert {letter.stage for letter in letters} == {"feature-push"}
    assert any(user_id.encode() in letter.message for letter in letters)
    assert {"not_json", "invalid"} <= {letter.reason for letter in letters}


def test_an_emptied_online_store_is_filled_again_from_history() -> None:
    from features import push

    item_id = new_id()
    with pushing() as through:
        publish(item_row(item_id, 1, 11))
        through()
    assert online(ITEM, item_id) != {}
    client = stack_redis.client()
    client.delete(entity_key(ITEM, item_id), push._FILLED)
    assert online(ITEM, item_id) == {}
    push.Pusher(kafka.producer()).write(())
    assert online(ITEM, item_id)[item_id]["views_28d"] == 11


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    """The process itself, with no more rights than it has in production."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LMS_PRINCIPAL": "features"}
    started = subprocess.Popen([sys.executable, "-m", "features.push"], env=environment)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def test_the_process_makes_do_with_its_own_rights() -> None:
    """It owns no table, and may write only history and people's consent."""
    with process() as started:
        item_id = new_id()
        publish(item_row(item_id, 1, 7))
        until(lambda: online(ITEM, item_id), "the row is online", process=started)
        with postgres.connect_analytics() as connection:
            owners = connection.execute(
                "SELECT DISTINCT relowner::regrole::text FROM pg_class "
                "WHERE relnamespace IN ('features'::regnamespace, 'feast'::regnamespace)"
            ).fetchall()
        assert owners == [("operator",)]
