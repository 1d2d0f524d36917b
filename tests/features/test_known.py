"""Features of the past are what was known then, and Feast's API gives what serving reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.tiles import ITEM_TILES, LEARNER_TILES
from features import known
from features.catalogue import WINDOW_VIEWS
from features.online_windows import OnlineWindows
from features.recommender import candidates
from features.tile_push import TilePusher
from features.windows import HOUR_US, Merged, Tiles
from stack import postgres
from stack import redis as stack_redis
from tests.features.test_tile_push import message, published

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

LEARNER, ITEM = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["item_windows"]
COURSE, IN_COURSE = WINDOW_VIEWS["course_windows"], WINDOW_VIEWS["learner_course_windows"]
T = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ARCHIVE = """
INSERT INTO activity_events (event_id, event_type, topic, timestamp, institution_id, user_id,
    course_id, item_id, kind, clicks, source_service,
    schema_version, payload, received_at, batch_no)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s, %s, 1)
"""


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


class Learner:
    """Somebody with events in the archive."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.id, self.course, self.item = new_id(), new_id(), new_id()

    def did(
        self,
        at: datetime,
        arrived: datetime | None = None,
        type_: str = "content.viewed",
        source: str = "content-service",
        **payload: Any,
    ) -> None:
        content = not type_.startswith("assessment")
        self._connection.execute(
            _ARCHIVE,
            [
                new_id(), type_, "lms.content.events" if content else "lms.assessments.events",
                at, DEFAULT_INSTITUTION, self.id, self.course, self.item if content else None,
                "quiz" if content else None, 2 if type_ == "content.viewed" else None, source,
                json.dumps(payload), arrived or at + timedelta(seconds=1),
            ],
        )  # fmt: skip

    def features(self, view: Any = LEARNER, at: datetime = T) -> dict[str, Any] | None:
        ids = {"user_id": self.id, "course_id": self.course, "item_id": self.item}
        asked = [tuple(ids[name] for name in view.entity.keys)]
        with postgres.connect_analytics(autocommit=True) as connection:
            found: dict[str, Any] | None
            [found] = view.rows(known.known(connection, view, asked, [at]))
        return found


@pytest.fixture
def learner(connection: psycopg.Connection[Any]) -> Learner:
    return Learner(connection)


def test_an_event_dated_before_that_arrived_after_is_not_in_the_past(learner: Learner) -> None:
    learner.did(T - 2 * DAY)
    before = learner.features()
    learner.did(T - DAY, arrived=T + timedelta(microseconds=1))  # the leak
    learner.did(T - timedelta(minutes=5), arrived=T + HOUR)
    assert before is not None
    assert learner.features() == before
    assert before["events_7d"] == 1
    later = learner.features(at=T + 2 * HOUR)
    assert later is not None
    assert later["events_7d"] == 3
    for view in (ITEM, COURSE, IN_COURSE):
        then, after = learner.features(view), learner.features(view, at=T + 2 * HOUR)
        assert then
        assert after
        assert then != after


def test_what_comes_in_the_very_hour_is_known_from_its_moment_on(learner: Learner) -> None:
    learner.did(T - timedelta(minutes=10))
    learner.did(T + timedelta(minutes=10))
    assert (learner.features() or {})["events_1h"] == 1
    assert (learner.features(at=T + timedelta(minutes=11)) or {})["events_1h"] == 2


def test_imported_history_arrived_at_its_own_time_and_grades_a_marking_lag_later(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = datetime(2026, 11, 1, tzinfo=UTC)
    learner.did(T - 9 * DAY, imported, source="importer")
    learner.did(T - 2 * DAY, imported, "assessment.submitted", "importer", late=True)
    learner.did(T - 2 * DAY, imported, "assessment.graded", "importer", score=80)
    learner.did(T - 9 * DAY, imported, "assessment.graded", "importer", score=60)
    found = learner.features()
    assert found is not None
    assert (found["events_28d"], found["submissions_28d"], found["score_mean_28d"]) == (1, 1, 60)
    assert found["late_share_all"] == 1
    monkeypatch.setenv("LMS_FEATURES_MARKING_LAG_DAYS", "0")
    monkeypatch.setenv("LMS_FEATURES_IMPORT_LAG_S", str(3 * 86_400))
    found = learner.features()
    assert found is not None
    assert (found["submissions_28d"], found["score_mean_28d"]) == (0, 70)


def test_imported_history_is_known_when_it_was_imported_at_the_latest(learner: Learner) -> None:
    learner.did(T - 2 * DAY, T - DAY, "assessment.graded", "importer", score=80)
    assert (learner.features() or {})["score_mean_28d"] == 80
    assert learner.features(at=T - 25 * HOUR) is None


def test_what_no_window_tells_apart_is_summed_before_it_is_merged(learner: Learner) -> None:
    """Tiles of every hour of forty days, counted by the archive and from the events alike."""
    hours = [24 * day + hour for day in range(40) for hour in (0, 1, 7, 13, 23)]
    asked_at = T + timedelta(seconds=7)
    for hour in hours:
        learner.did(T - hour * HOUR - timedelta(minutes=29, seconds=59, milliseconds=700))
    at_us = int(asked_at.timestamp()) * 1_000_000
    happened = [at_us - (hour * 3600 + 1806) * 1_000_000 - 700_000 for hour in hours]
    values = [
        [
            moment if column.is_moment else 2 if "clicks" in (name, name[:6]) else 1
            for name, column in LEARNER_TILES.columns.items()
        ]
        for moment in happened
    ]
    begins = np.array(happened) // HOUR_US
    tiles = Tiles.of_hours(np.zeros(len(hours), dtype=np.int64), begins, np.array(values))
    view = LEARNER.only(
        [name for name in LEARNER.features if name.split("_")[0] in ("events", "days", "streak")]
        + ["clicks_28d", "clicks_1d", "clicks_all", "recency_hours", "trend"]
    )
    [expected] = view.rows(Merged(LEARNER_TILES.columns, tiles, np.array([at_us])))
    assert expected is not None
    assert expected["events_all"] == len(hours)
    assert learner.features(view, asked_at) == pytest.approx(expected)


def test_before_anything_arrived_nothing_is_known(learner: Learner) -> None:
    learner.did(T - DAY, arrived=T + DAY)
    assert learner.features() is None


def test_who_does_not_agree_is_in_no_training_set(
    learner: Learner, connection: psycopg.Connection[Any]
) -> None:
    learner.did(T - DAY)
    assert learner.features() is not None
    connection.execute(
        "INSERT INTO features.consent VALUES (%s, 'personalization', false, now())", [learner.id]
    )
    assert learner.features() is None


def test_feast_answers_for_the_past_as_the_windows_do(learner: Learner) -> None:
    from features import store

    learner.did(T - 3 * DAY)
    learner.did(T - HOUR)
    learner.did(T - HOUR, T + DAY)
    learner.did(T - 40 * DAY, None, "assessment.graded", score=50)
    moments = [T - 5 * DAY, T, T + 2 * DAY]
    asked = {"user_id": learner.id, "course_id": learner.course, "item_id": learner.item}
    frame = pd.DataFrame([{**asked, "event_timestamp": at} for at in moments])
    refs = [
        f"{view.name}:{name}"
        for view in (LEARNER, IN_COURSE, ITEM, COURSE)
        for name in view.features
    ]
    refs.append("learner_activity:last_item_id")  # a view of rows, in the same question
    feast = store.opened()
    answer = feast.get_historical_features(frame, refs).to_df().sort_values("event_timestamp")
    assert len(answer) == 3
    for at, (_, row) in zip(moments, answer.iterrows(), strict=True):
        for view in (LEARNER, IN_COURSE, ITEM, COURSE):
            expected = learner.features(view, at) or dict.fromkeys(view.features)
            found = {n: None if pd.isna(row[n]) else row[n] for n in view.features}
            assert found == expected


def test_the_rankers_service_has_what_training_reads(learner: Learner) -> None:
    from features import store

    learner.did(T - 3 * DAY)
    learner.did(T - HOUR, T + DAY)
    asked = {"user_id": learner.id, "item_id": learner.item, "event_timestamp": T}
    feast = store.opened()
    service = feast.get_feature_service("recommender")
    [row] = feast.get_historical_features(pd.DataFrame([asked]), service).to_df().to_dict("records")
    for view in (candidates.LEARNER, candidates.ITEM):
        expected = learner.features(view)
        assert expected
        assert {name: row[name] for name in view.features} == expected


def test_feast_answers_online_as_serving_does(connection: psycopg.Connection[Any]) -> None:
    from features import store

    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    users, course, item = [new_id(), new_id()], new_id(), new_id()
    rows = [
        message(LEARNER_TILES, users[0], course, now, events=3, score_sum=10.5, graded=1),
        message(LEARNER_TILES, users[0], course, now - 3 * DAY, events=2),
        message(ITEM_TILES, item, course, now - HOUR, events=7, views=6),
    ]
    pusher = TilePusher(stack_redis.client())
    pusher.write(connection, [published(row) for row in rows])
    views = (LEARNER, IN_COURSE, ITEM, COURSE)
    refs = [f"{view.name}:{name}" for view in views for name in view.features]
    refs.append("item_quality:learner_days_28d")
    feast = store.opened()
    asked = [{"user_id": user, "course_id": course, "item_id": item} for user in users]
    answer = feast.get_online_features(refs, asked).to_dict()

    async def ours() -> list[list[dict[str, Any] | None]]:
        async with stack_redis.new_async_client() as client:
            return await OnlineWindows(client).read(
                (LEARNER, [(user,) for user in users]),
                (IN_COURSE, [(user, course) for user in users]),
                (ITEM, [(item,)] * 2),
                (COURSE, [(course,)] * 2),
            )

    for view, expected in zip(views, asyncio.run(ours()), strict=True):
        for number, row in enumerate(expected):
            found = {name: answer[name][number] for name in view.features}
            # Hours since go on between the two questions.
            assert found == pytest.approx(row or dict.fromkeys(view.features), abs=0.01)
    assert answer["learner_days_28d"] == [None, None]
    assert answer["events_1h"] == [3, None]


def test_what_serving_reads_is_what_the_archive_says_for_the_same_moment(
    learner: Learner, connection: psycopg.Connection[Any]
) -> None:
    """The tiles by one way, the events by the other: every feature is equal."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for hours in (0, 1, 30, 24 * 9, 24 * 60):
        at = now - hours * HOUR
        learner.did(at + timedelta(minutes=10, milliseconds=250), at)
        learner.did(at + timedelta(minutes=50), at, "video.watched", from_s=1, to_s=2.5)
        row = message(
            LEARNER_TILES, learner.id, learner.course, at,
            events=2, clicks=2, clicks_quiz=2, views=1, watched_s=1.5,
        )  # fmt: skip
        TilePusher(stack_redis.client()).write(connection, [published(row)])
    asked_at = now + timedelta(minutes=55)
    from features import online_windows

    wanted = (LEARNER, [(learner.id,)]), (IN_COURSE, [(learner.id, learner.course)])
    client = stack_redis.client()
    served = online_windows.read(client, *wanted, at=asked_at.timestamp())
    assert served == [[learner.features(view, asked_at)] for view in (LEARNER, IN_COURSE)]


def test_the_archive_counts_as_the_job_does(connection: psycopg.Connection[Any]) -> None:
    """Every column of a table of tiles is one of the job's, and the query of the past has it."""
    for table in (LEARNER_TILES, ITEM_TILES):
        found = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
            [table.name],
        ).fetchall()
        have = {str(name) for (name,) in found}
        key = {"institution_id", table.id_column, "course_id", "hour_at", "part"}
        assert have == key | set(table.columns)
