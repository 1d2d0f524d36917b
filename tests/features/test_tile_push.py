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
from contracts.tiles import GENERATION, ITEM_TILES, LEARNER_TILES, TileRow, part_of
from contracts.topics import FEATURES
from core_lms.privacy import redis_keys
from features import consent, online_windows
from features.catalogue import WINDOW_VIEWS
from features.tile_push import REWIND_S, TilePusher, current, filled_key
from stack import kafka, postgres
from stack import redis as stack_redis
from tests.features.test_consent import event_of
from tests.features.test_push import process, pushing
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

LEARNER, COURSE = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["course_windows"]
ITEM, IN_COURSE = WINDOW_VIEWS["item_windows"], WINDOW_VIEWS["learner_course_windows"]
ALL_TIME = ("events_all", "course_events_all", "item_views_all", "activity_all")
HOUR = timedelta(hours=1)


def message(
    table: tiles.TileTable,
    entity_id: str,
    course_id: str,
    hour: datetime,
    part: int | None = None,
    **sums: float,
) -> dict[str, Any]:
    """As the job publishes it; it came now, unless ``part`` says when."""
    at = f"{hour:%Y-%m-%dT%H}"
    values: dict[str, Any] = {name: sums.get(name, 0) for name in table.columns}
    return {
        "tiles": table.name,
        "institution_id": DEFAULT_INSTITUTION,
        table.id_column: entity_id,
        "course_id": course_id,
        "hour_at": f"{at}:00:00Z",
        "part": part_now(table) if part is None else part,
        **values,
        "first_at": f"{at}:10:00.25Z",
        "last_at": f"{at}:50:00Z",
    }


def part_now(table: tiles.TileTable) -> int:
    with postgres.connect_analytics() as connection:
        count = current(connection, table)
    return part_of(time.time(), count.generation, count.part_s)


def decoded(**row: Any) -> TileRow:
    return tiles.decode(json.dumps(row).encode())


def now_ms() -> int:
    return int(time.time() * 1000)


def published(row: dict[str, Any], after_ms: int = 0) -> tuple[TileRow, int]:
    """As the process reads it from Kafka."""
    return decoded(**row), now_ms() + after_ms


def lose() -> None:
    """All tiles, as a Redis without persistence does that starts anew."""
    client = stack_redis.client()
    marks = [filled_key(table) for table in tiles.TABLES.values()]
    client.delete(*client.scan_iter(match="learnstream:tiles:*"), *marks)


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
    return TilePusher(stack_redis.client(), clock=now.timestamp)


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
    user, course, today = new_id(), new_id(), part_now(LEARNER_TILES)
    rows = [
        published(message(LEARNER_TILES, user, course, hour, part, events=events), after_ms)
        for hour, part, events, after_ms in (
            (now, today, 1, 10),
            (now, today, 4, 20),
            (now - 24 * 300 * HOUR, today, 6, 20),
            (now - 2 * HOUR, today - 1, 2, 20),
        )
    ]
    pusher.write(connection, rows)
    before = features(LEARNER, user, at=now)
    assert before is not None
    assert (before["events_1h"], before["events_1d"], before["events_all"]) == (4, 6, 12)
    for again in (rows, rows[:1], rows[1:], rows[::-1]):
        pusher.write(connection, again)
    assert features(LEARNER, user, at=now) == before


def test_a_part_that_is_no_longer_remembered_is_not_added_again(
    connection: psycopg.Connection[Any], now: datetime
) -> None:
    user, course, clock = new_id(), new_id(), [now.timestamp()]
    pusher = TilePusher(stack_redis.client(), clock=lambda: clock[0])
    rows = []
    for day in range(12):
        clock[0] = (now + day * 24 * HOUR).timestamp()
        part = part_now(LEARNER_TILES) + day
        hour = now + day * 24 * HOUR
        rows.append(published(message(LEARNER_TILES, user, course, hour, part, events=1)))
        pusher.write(connection, rows[-1:])
    pusher.write(connection, rows)
    assert (features(LEARNER, user, at=hour) or {})["events_all"] == 12


def test_a_lost_redis_fills_itself_from_history_and_goes_on_from_there(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    user, item, course = new_id(), new_id(), new_id()
    yesterday = part_now(LEARNER_TILES) - 1
    rows = [
        message(LEARNER_TILES, user, course, now, events=4, watched_s=0.1),
        message(LEARNER_TILES, user, course, now - 50 * HOUR, yesterday, events=2, watched_s=0.2),
        message(LEARNER_TILES, user, course, now - 24 * 90 * HOUR, 0, events=8),
        message(ITEM_TILES, item, course, now, events=4, views=3),
    ]
    for row in rows:
        keep(connection, row)
    lose()
    assert pusher.ready(connection)
    views = [(LEARNER, (user,)), (IN_COURSE, (user, course)), (ITEM, (item,)), (COURSE, (course,))]
    before = [features(view, *ids, at=now) for view, ids in views]
    assert [(row or {})[name] for row, name in zip(before, ALL_TIME, strict=True)] == [14, 14, 3, 4]
    assert not pusher.ready(connection)
    lose()
    assert pusher.write(connection, [published(rows[0])]), "so that it is read again"
    assert [features(view, *ids, at=now) for view, ids in views] == before
    pusher.write(connection, [published({**rows[0], "events": 5}), published(rows[1])])
    assert (features(LEARNER, user, at=now) or {})["events_all"] == 15
    other = TilePusher(stack_redis.client(), clock=now.timestamp)
    assert not other.ready(connection), "who begins finds it filled"
    lose()
    assert other.ready(connection)
    assert pusher.ready(connection), "somebody else has filled it, so this one reads again too"


def test_what_was_published_long_before_redis_was_filled_is_left_out(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime
) -> None:
    user, course = new_id(), new_id()
    newest = message(LEARNER_TILES, user, course, now, events=9)
    keep(connection, newest)
    lose()
    pusher.ready(connection)
    for events in (1, 5, 9):
        row = decoded(**{**newest, "events": events})
        pusher.write(connection, [(row, int((now.timestamp() - REWIND_S - 9) * 1000))])
        assert (features(LEARNER, user, at=now) or {})["events_all"] == 9


@pytest.mark.parametrize("notice", ["by_itself", "by_a_row"])
def test_a_rebuilt_job_counts_anew_and_redis_is_filled_from_its_table(
    connection: psycopg.Connection[Any], pusher: TilePusher, now: datetime, notice: str
) -> None:
    user, course = new_id(), new_id()
    old = message(LEARNER_TILES, user, course, now, events=9)
    pusher.write(connection, [published(old)])
    connection.execute(
        "INSERT INTO job_starts (job, generation, offsets, fresh) SELECT 'learner_tiles', "
        "coalesce(max(generation), 0) + 1, '{}', true FROM job_starts "
        "ON CONFLICT (job) DO UPDATE SET generation = EXCLUDED.generation"
    )
    keep(connection, message(LEARNER_TILES, user, course, now, 0, events=6))
    if notice == "by_a_row":
        first = message(LEARNER_TILES, user, course, now, events=1)
        assert first["part"] // GENERATION > old["part"] // GENERATION
        keep(connection, first)
        pusher.write(connection, [published(first)])
    else:
        assert pusher.ready(connection)
    wanted = {"by_itself": 6, "by_a_row": 7}[notice]
    assert (features(LEARNER, user, at=now) or {})["events_all"] == wanted
    # What the job published before is still in Kafka, and read again.
    pusher.write(connection, [published({**old, "events": 10}, 1)])
    assert (features(LEARNER, user, at=now) or {})["events_all"] == wanted


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
    pusher.write(connection, [published(row)])
    connection.execute("SELECT move_person(%s, %s, '{}')", [ana, new])
    redis_keys.move(stack_redis.client(), ana, new)
    with consent.writing(connection):
        pusher.write(connection, [published({**row, "events": 6})])
    assert (features(LEARNER, new) or {})["events_all"] == 6
    assert features(LEARNER, ana) is None
    assert not list(stack_redis.client().scan_iter(match=f"*{ana}*"))
    found = connection.execute("SELECT 1 FROM learner_tiles WHERE user_id = %s", [ana]).fetchone()
    assert found is None


def test_the_process_fills_a_lost_redis_and_goes_on_with_its_own_rights(
    connection: psycopg.Connection[Any], now: datetime
) -> None:
    ana, course = new_id(), new_id()
    row = message(LEARNER_TILES, ana, course, now, events=4)
    keep(connection, row)

    def events() -> Any:
        return (features(LEARNER, ana) or {}).get("events_all")

    with process() as started:
        for lost in range(2):
            lose()
            until(lambda: events() == 4, f"filled, {lost}", process=started)
        producer = kafka.producer()
        producer.produce(FEATURES.name, key=ana, value=json.dumps({**row, "events": 5}))
        assert producer.flush(10) == 0
        until(lambda: events() == 5, "written", process=started)
        event_of(ConsentWithdrawn(user_id=ana, purpose="personalization"))
        until(lambda: events() is None, "removed", process=started)


def test_old_tiles_leave_redis_and_only_those(
    connection: psycopg.Connection[Any], now: datetime
) -> None:
    item, course, clock = new_id(), new_id(), [now.timestamp()]
    today = part_now(ITEM_TILES)
    pusher = TilePusher(stack_redis.client(), clock=lambda: clock[0])
    for days in range(60):
        clock[0] = (now + days * 24 * HOUR).timestamp()
        hour = now + days * 24 * HOUR
        row = message(ITEM_TILES, item, course, hour, today + days, events=1, views=1)
        pusher.write(connection, [published(row)])
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
    part = part_now(LEARNER_TILES)
    rows = [
        json.dumps(
            message(LEARNER_TILES, users[n % 500], courses[n % 5], hour, part, events=n)
        ).encode()
        for n in range(10_000)
        for hour in [now - n // 500 * HOUR]
    ]
    pusher.ready(connection)
    began = time.perf_counter()
    with consent.writing(connection):
        pusher.write(connection, [(tiles.decode(row), now_ms()) for row in rows])
    took = time.perf_counter() - began
    assert took < 5, "far from the aim of a second, whatever else this machine does"
