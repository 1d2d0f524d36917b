"""Tiles on real servers: what is published is read as windows, and survives loss and repetition."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from contracts import tiles
from contracts.errors import Rejected
from contracts.events.consents import ConsentGiven, ConsentWithdrawn
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.tiles import ITEM_TILES, LEARNER_TILES, TileRow
from contracts.topics import FEATURES
from core_lms.privacy import redis_keys
from features import consent, online_windows
from features.catalogue import WINDOW_VIEWS
from features.tile_push import GENERATION, TilePusher, filled_key
from stack import kafka, postgres
from stack import redis as stack_redis
from tests.features.test_consent import event_of
from tests.features.test_push import pushing
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

LEARNER, COURSE = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["course_windows"]
ITEM, IN_COURSE = WINDOW_VIEWS["item_windows"], WINDOW_VIEWS["learner_course_windows"]
HOUR = timedelta(hours=1)
PART = 2_500


def message(
    table: tiles.TileTable,
    entity_id: str,
    course_id: str,
    hour: datetime,
    part: int = PART,
    **sums: float,
) -> dict[str, Any]:
    """As the job publishes it."""
    at = f"{hour:%Y-%m-%dT%H}"
    values: dict[str, Any] = {name: sums.get(name, 0) for name in table.columns}
    return {
        "tiles": table.name,
        "institution_id": DEFAULT_INSTITUTION,
        table.id_column: entity_id,
        "course_id": course_id,
        "hour_at": f"{at}:00:00Z",
        "part": part,
        **values,
        "first_at": f"{at}:10:00.25Z",
        "last_at": f"{at}:50:00Z",
    }


def decoded(**row: Any) -> TileRow:
    return tiles.decode(json.dumps(row).encode())


def keep(connection: psycopg.Connection[Any], row: dict[str, Any]) -> None:
    """As the job writes it into its table."""
    columns = {name: value for name, value in row.items() if name != "tiles"}
    names, marks = ", ".join(columns), ", ".join(f"%({name})s" for name in columns)
    connection.execute(f"INSERT INTO {row['tiles']} ({names}) VALUES ({marks})".encode(), columns)


def features(view: Any, *ids: str, at: datetime | None = None) -> dict[str, Any] | None:
    moment = at.timestamp() if at else None
    [[row]] = online_windows.read(stack_redis.client(), (view, [ids]), at=moment)
    return row


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def pusher(now: datetime) -> TilePusher:
    return TilePusher(stack_redis.client(), clock=lambda: now.timestamp() + 1800)


def test_a_published_tile_is_in_the_windows_of_learner_course_and_item(now: datetime) -> None:
    user, item, course, other = new_id(), new_id(), new_id(), new_id()
    producer = kafka.producer()
    rows = [
        message(LEARNER_TILES, user, course, now, events=3, clicks=4, watched_s=1.5),
        message(LEARNER_TILES, user, other, now - 30 * HOUR, events=5, graded=1, score_sum=55.5),
        message(ITEM_TILES, item, course, now, events=7, views=6),
        message(ITEM_TILES, new_id(), course, now - 24 * 400 * HOUR, events=2),
    ]
    with pushing() as through:
        for row in rows:
            producer.produce(
                FEATURES.name, key=json.dumps([row["tiles"], user]), value=json.dumps(row)
            )
        assert producer.flush(10) == 0
        through()
    found = features(LEARNER, user)
    assert found is not None
    wanted: dict[str, float] = {
        "events_1h": 3,
        "events_1d": 3,
        "events_7d": 8,
        "events_all": 8,
        "days_7d": 2,
    }
    wanted |= {"score_mean_all": 55.5, "watched_s_7d": 1.5}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert (features(IN_COURSE, user, course) or {})["course_events_all"] == 3
    assert (features(IN_COURSE, user, other) or {})["course_events_all"] == 5
    assert features(IN_COURSE, user, new_id()) is None
    assert (features(ITEM, item) or {})["item_views_all"] == 6
    in_course = features(COURSE, course) or {}
    assert (in_course["activity_1d"], in_course["activity_28d"], in_course["activity_all"]) == (
        7,
        7,
        9,
    )
    later = features(LEARNER, user, at=now + 60 * 24 * HOUR) or {}
    assert (later["events_28d"], later["events_all"]) == (0, 8)
    assert later["recency_hours"] > 59 * 24


def test_repeating_rows_changes_nothing_and_a_late_one_overwrites_no_newer_one(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    user, course = new_id(), new_id()
    rows = [
        (decoded(**message(LEARNER_TILES, user, course, hour, part, events=events)), version)
        for hour, part, events, version in (
            (now, PART, 1, 10),
            (now, PART, 4, 20),
            (now - 24 * 300 * HOUR, PART, 6, 20),
            (now - 2 * HOUR, PART - 1, 2, 20),
        )
    ]
    pusher.write(connection, rows)
    before = features(LEARNER, user, at=now)
    assert before is not None
    assert (before["events_1h"], before["events_1d"], before["events_all"]) == (4, 6, 12)
    for again in (rows, rows[:1], rows[1:], rows[::-1]):
        pusher.write(connection, again)
    assert features(LEARNER, user, at=now) == before


def test_a_lost_redis_fills_itself_from_history_and_goes_on_from_there(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    user, item, course = new_id(), new_id(), new_id()
    rows = [
        message(LEARNER_TILES, user, course, now, events=4, watched_s=0.1),
        message(LEARNER_TILES, user, course, now - 50 * HOUR, PART - 1, events=2, watched_s=0.2),
        message(LEARNER_TILES, user, course, now - 24 * 90 * HOUR, 0, events=8),
        message(ITEM_TILES, item, course, now, events=4, views=3),
    ]
    for row in rows:
        keep(connection, row)
    pusher.write(connection, [(decoded(**row), 1) for row in rows])
    views = [(LEARNER, (user,)), (IN_COURSE, (user, course)), (ITEM, (item,)), (COURSE, (course,))]
    before = [features(view, *ids, at=now) for view, ids in views]
    assert all(before)
    client = stack_redis.client()
    gone = list(client.scan_iter(match="learnstream:tiles:*"))
    client.delete(*gone, *(filled_key(table) for table in tiles.TABLES.values()))
    pusher.forget()
    assert pusher.ready(connection)
    assert [features(view, *ids, at=now) for view, ids in views] == before
    changed = decoded(**{**rows[0], "events": 5})
    pusher.write(connection, [(changed, 2), (decoded(**rows[1]), 2)])
    assert (features(LEARNER, user, at=now) or {})["events_all"] == 15


def test_a_rebuilt_job_counts_anew_and_redis_is_filled_from_its_table(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    user, course = new_id(), new_id()
    old = message(LEARNER_TILES, user, course, now, events=9)
    pusher.write(connection, [(decoded(**old), 1)])
    before: Any = stack_redis.client().get(filled_key(LEARNER_TILES))
    part = (int(before) + 1) * GENERATION
    rebuilt = message(LEARNER_TILES, user, course, now, part, events=6)
    keep(connection, rebuilt)
    first = {**rebuilt, "part": part + PART, "events": 1}
    keep(connection, first)
    assert pusher.write(connection, [(decoded(**first), 5)])
    assert (features(LEARNER, user, at=now) or {})["events_all"] == 7
    connection.execute("DELETE FROM learner_tiles WHERE part >= %s", [part])


def test_who_does_not_agree_has_no_tiles_and_who_agrees_again_has_them_from_history(
    connection: psycopg.Connection[Any], now: datetime
) -> None:
    ana, course = new_id(), new_id()
    row = message(LEARNER_TILES, ana, course, now, events=4)
    keep(connection, row)
    producer = kafka.producer()
    with pushing() as through:
        producer.produce(FEATURES.name, key=ana, value=json.dumps(row))
        assert producer.flush(10) == 0
        until(lambda: features(LEARNER, ana), "the tile is online")
        event_of(ConsentWithdrawn(user_id=ana, purpose="personalization"))
        until_equal(lambda: features(LEARNER, ana), None)
        producer.produce(FEATURES.name, key=ana, value=json.dumps({**row, "events": 5}))
        assert producer.flush(10) == 0
        through()
        assert features(LEARNER, ana) is None
        assert not list(stack_redis.client().scan_iter(match=f"*tiles*{ana}"))
        event_of(ConsentGiven(user_id=ana, purpose="personalization"), 1)
        until_equal(lambda: (features(LEARNER, ana) or {"events_all": 0})["events_all"], 4)


def test_an_erased_persons_tiles_have_the_new_id_also_those_that_come_later(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    ana, new, course = new_id(), new_id(), new_id()
    row = message(LEARNER_TILES, ana, course, now, events=4)
    keep(connection, row)
    pusher.write(connection, [(decoded(**row), 1)])
    connection.execute("SELECT move_person(%s, %s, '{}')", [ana, new])
    redis_keys.move(stack_redis.client(), ana, new)
    with consent.writing(connection):
        pusher.write(connection, [(decoded(**{**row, "events": 6}), 2)])
    assert (features(LEARNER, new) or {})["events_all"] == 6
    assert features(LEARNER, ana) is None
    assert not list(stack_redis.client().scan_iter(match=f"*{ana}*"))
    found = connection.execute("SELECT 1 FROM learner_tiles WHERE user_id = %s", [ana]).fetchone()
    assert found is None


def test_old_tiles_leave_redis_and_only_those(
    connection: psycopg.Connection[Any], now: datetime
) -> None:
    item, course, clock = new_id(), new_id(), [now.timestamp()]
    pusher = TilePusher(stack_redis.client(), clock=lambda: clock[0])
    for days in range(60):
        clock[0] = (now + days * 24 * HOUR).timestamp()
        hour = now + days * 24 * HOUR
        row = message(ITEM_TILES, item, course, hour, PART + days, events=1, views=1)
        pusher.write(connection, [(decoded(**row), days)])
    client = stack_redis.client()
    sizes = [
        client.hlen(online_windows.key("item", item)),
        client.hlen(online_windows.written_key("item", item)),
    ]
    assert sizes == [35 + 2 + 1, 10]
    assert (features(ITEM, item, at=hour) or {})["item_views_28d"] == 28
    assert (features(ITEM, item, at=hour) or {})["item_views_all"] == 60


def test_what_is_no_tile_is_a_dead_letter_with_its_reason() -> None:
    good = message(ITEM_TILES, new_id(), new_id(), datetime(2026, 11, 1, tzinfo=UTC))
    for change, reason in (
        ({"tiles": "planets"}, "unknown_view"),
        ({"events": "many"}, "invalid"),
        ({"hour_at": "2026-11-01T10:30:00Z"}, "invalid"),
        ({"course_id": "42"}, "invalid"),
        ({"events": 2**60}, "invalid"),
    ):
        with pytest.raises(Rejected) as refused:
            decoded(**(good | change))
        assert refused.value.reason == reason
    assert decoded(**good).hour == int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) // 3600


def test_ten_thousand_tiles_a_second_are_taken_in(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    users, courses = [new_id() for _ in range(500)], [new_id() for _ in range(5)]
    rows = [
        json.dumps(
            message(LEARNER_TILES, users[n % 500], courses[n % 5], now - n // 500 * HOUR, events=n)
        ).encode()
        for n in range(10_000)
    ]
    pusher.ready(connection)
    began = time.perf_counter()
    with consent.writing(connection):
        pusher.write(connection, [(tiles.decode(row), 1) for row in rows])
    took = time.perf_counter() - began
    assert took < 5, "far from the aim of a second, whatever else this machine does"
