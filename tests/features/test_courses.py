"""Learners relative to their course on real servers: served as the archive says, no leak."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import orjson
import psycopg
import pytest

from contracts.envelope import Envelope, wrap
from contracts.events.consents import ConsentWithdrawn
from contracts.ids import new_id
from contracts.tiles import LEARNER_TILES
from core_lms.privacy import redis_keys
from features import consent, course_push, courses, known, online_windows
from features.catalogue import WINDOW_VIEWS
from features.course_push import STATE, CoursePusher
from features.known_tiles import counted
from features.relative import Progress
from features.tile_push import load
from features.windows import HOUR
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive.engine import Engine
from stack import postgres
from stack import redis as stack_redis
from tests.features.test_tile_push import keep
from tests.pipelines.history import NOON, History, made
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

VIEW, IN_COURSE = WINDOW_VIEWS["learner_course_relative"], WINDOW_VIEWS["learner_course_windows"]
DAY = timedelta(days=1)
SOON = timedelta(seconds=1)
T = NOON + 3 * DAY


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


class Course:
    """A course whose events are archived and derived as they come."""

    def __init__(self) -> None:
        self.id, self.institution = new_id(), new_id()
        self.work, self.items = new_id(), [new_id() for _ in range(4)]

    def event(self, type_: str, at: datetime, **fields: Any) -> Envelope:
        return wrap(
            made(type_, course_id=self.id, **fields),
            institution_id=self.institution,
            source_service="test",
            timestamp=at,
        )

    def enrolled(self, at: datetime = NOON) -> str:
        user_id = new_id()
        arrive(
            at + SOON,
            self.event("enrollment.created", at, user_id=user_id, enrollment_id=new_id()),
        )
        return user_id

    def opened(
        self, user_id: str, item: int, at: datetime, arrived: datetime | None = None
    ) -> None:
        event = self.event(
            "content.viewed", at, user_id=user_id, item_id=self.items[item], kind="page"
        )
        arrive(arrived or at + SOON, event)

    def submitted(self, user_id: str, at: datetime, arrived: datetime | None = None) -> None:
        event = self.event(
            "assessment.submitted", at,
            user_id=user_id, assessment_id=self.work, submission_id=new_id(), kind="exam",
        )  # fmt: skip
        arrive(arrived or at + SOON, event)

    def due(self, due_at: datetime | None, at: datetime, arrived: datetime | None = None) -> None:
        event = self.event(
            "assessment.updated", at,
            assessment_id=self.work, kind="exam", weight=10.0, due_at=due_at,
        )  # fmt: skip
        arrive(arrived or at + SOON, event)


def arrive(at: datetime, *events: Envelope) -> None:
    """Archived at that moment, and derived."""
    batch = Batch(at=at)
    for event in events:
        batch.add(event)
    with closing(ArchiveTable()) as table, closing(Engine()) as engine:
        table.store(batch, {})
        while engine.step():
            pass


def past(connection: psycopg.Connection[Any], *ids: str, at: datetime = T) -> Any:
    [row] = VIEW.rows(known.known(connection, VIEW, [ids], [at]))
    return row


def served(*ids: str, at: datetime = T) -> Any:
    [[row]] = online_windows.read(stack_redis.client(), (VIEW, [ids]), at=at.timestamp())
    return row


def refresh(connection: psycopg.Connection[Any], at: datetime = T) -> int:
    return CoursePusher(stack_redis.client(), at.timestamp).refresh(connection)


def push_tiles(
    connection: psycopg.Connection[Any],
    institution: str,
    asked: list[tuple[str, str]],
    at: datetime,
) -> None:
    """What Flink would have kept of what had arrived by then, as Redis is filled with it."""
    tiles = counted(connection, IN_COURSE, asked, [at] * len(asked))
    for n, grain, begins, values in zip(
        tiles.asked.tolist(), tiles.grain, tiles.begins.tolist(), tiles.values.tolist(), strict=True
    ):
        if grain == HOUR:
            row: dict[str, Any] = {
                name: datetime.fromtimestamp(value / 1e6, UTC)
                if one.is_moment
                else value / one.scale
                for (name, one), value in zip(LEARNER_TILES.columns.items(), values, strict=True)
            }
            row |= {"user_id": asked[n][0], "course_id": asked[n][1], "part": 1}
            row |= {"hour_at": datetime.fromtimestamp(begins * 3600, UTC)}
            keep(connection, row | {"institution_id": institution, "tiles": LEARNER_TILES.name})
    people = {user_id for user_id, _ in asked}
    load(connection, stack_redis.client(), LEARNER_TILES, at.timestamp(), people)


def test_every_learner_is_served_as_the_archive_says_for_the_same_moment(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history in every disorder: by the tables and Redis on one side, by the archive on the
    other."""
    history = History(seed=11, count=500, learners=14)
    arrive(T - DAY, *history.disordered())
    asked = list(product(history.learners, history.courses))
    push_tiles(connection, history.institution_id, asked, T)
    refresh(connection)
    for at in (T, T + 5 * DAY):
        with monkeypatch.context() as patch:
            patch.setattr(courses, "AT_ONCE", 5)
            CoursePusher(stack_redis.client(), at.timestamp).write(connection, history.courses)
        [found] = online_windows.read(stack_redis.client(), (VIEW, asked), at=at.timestamp())
        expected = VIEW.rows(known.known(connection, VIEW, asked, [at] * len(asked)))
        assert found == expected
        varied = [
            name for name in VIEW.features if len({(row or {}).get(name) for row in found}) > 2
        ]
        assert len(varied) >= 8, varied


def test_what_arrived_after_a_moment_is_not_in_it_be_it_the_learners_own_or_anothers(
    connection: psycopg.Connection[Any],
) -> None:
    course = Course()
    ana, bo = course.enrolled(), course.enrolled()
    course.due(T - 2 * DAY, at=NOON)
    for item in (0, 1):
        course.opened(ana, item, NOON + DAY)
    course.opened(bo, 0, NOON + DAY)
    before = past(connection, ana, course.id)
    assert (before["opened_pace"], before["missed"]) == (pytest.approx(4 / 3), 1)
    late = T + SOON
    course.opened(ana, 2, T - DAY, arrived=late)  # the leaks
    course.opened(bo, 3, T - DAY, arrived=late)
    course.submitted(ana, T - 2 * DAY, arrived=late)
    course.due(T + DAY, at=T - DAY, arrived=late)
    arrive(
        late,
        course.event("enrollment.created", NOON, user_id=new_id(), enrollment_id=new_id()),
    )
    assert past(connection, ana, course.id) == before
    after = past(connection, ana, course.id, at=late)
    changed = {
        "opened_share",
        "opened_pace",
        "opened_percentile",
        "missed",
        "events_percentile_28d",
    }
    assert changed <= {name for name in before if after[name] != before[name]}


def test_due_dates_and_silence_count_as_of_the_moment_of_asking_without_another_refresh(
    connection: psycopg.Connection[Any],
) -> None:
    course = Course()
    ana, bo = course.enrolled(), course.enrolled()
    course.opened(ana, 0, T - DAY)
    course.opened(bo, 0, T - DAY)
    course.due(T + 2 * DAY, at=T - DAY)
    course.submitted(bo, T - DAY)
    push_tiles(connection, course.institution, [(ana, course.id), (bo, course.id)], T)
    refresh(connection)
    assert (served(ana, course.id)["missed"], served(ana, course.id)["due_7d"]) == (0, 1)
    later = served(ana, course.id, at=T + 3 * DAY)
    assert (later["missed"], later["due_7d"]) == (1, 0)
    assert served(bo, course.id, at=T + 3 * DAY)["missed"] == 0
    assert served(ana, course.id)["clicks_percentile_28d"] == 0.5
    assert served(ana, course.id, at=T + 40 * DAY)["clicks_percentile_28d"] == 0


def test_archived_work_is_not_due_and_a_dropped_course_has_none(
    connection: psycopg.Connection[Any],
) -> None:
    course = Course()
    ana = course.enrolled()
    course.due(T - DAY, at=NOON)
    refresh(connection)
    assert served(ana, course.id)["missed"] == past(connection, ana, course.id)["missed"] == 1
    described = {"assessment_id": course.work, "title": "x", "kind": "exam", "position": 0}
    arrive(
        T - SOON,
        course.event("assessment.described", T - DAY, **described, revision=1, status="active"),
        course.event("assessment.described", T - DAY, **described, revision=2, status="archived"),
    )
    refresh(connection)
    assert served(ana, course.id)["missed"] == past(connection, ana, course.id)["missed"] == 0
    arrive(
        T - SOON, course.event("enrollment.dropped", T - DAY, user_id=ana, enrollment_id=new_id())
    )
    refresh(connection)
    assert served(ana, course.id) is None
    assert past(connection, ana, course.id) is None


def test_only_courses_with_events_are_refreshed_twice_and_all_when_a_day_begins(
    connection: psycopg.Connection[Any],
) -> None:
    quiet, busy = Course(), Course()
    ana, bo = quiet.enrolled(), busy.enrolled()
    refresh(connection)
    for place in (ana, bo):
        stack_redis.client().delete(online_windows.progress_key(place))
    assert refresh(connection) >= 2  # what came before the last refresh, once more
    assert refresh(connection) == 0
    busy.opened(bo, 0, T)
    assert refresh(connection) == 1
    assert refresh(connection) == 1
    assert refresh(connection) == 0
    assert served(bo, busy.id)["opened_share"] == 1
    assert refresh(connection, T + DAY) >= 2
    stack_redis.client().delete(STATE, online_windows.progress_key(ana))
    refresh(connection, T + DAY)  # Redis was lost
    assert served(ana, quiet.id, at=T + DAY)["opened_share"] is None  # nobody has opened any
    assert served(ana, quiet.id, at=T + DAY)["opened_percentile"] == 0.5


def test_who_does_not_agree_is_in_no_spread_and_has_no_progress(
    connection: psycopg.Connection[Any],
) -> None:
    course = Course()
    ana, bo, cy = course.enrolled(), course.enrolled(), course.enrolled()
    for item in range(3):
        course.opened(ana, item, NOON + DAY)
    course.opened(bo, 0, NOON + DAY)
    refresh(connection)
    assert served(bo, course.id)["opened_percentile"] == 0.5
    withdrawn = wrap(
        ConsentWithdrawn(user_id=ana, purpose="personalization"),
        institution_id=course.institution,
        source_service="test",
        timestamp=datetime.now(UTC),
    )
    client = stack_redis.client()
    assert consent.apply(connection, client, [withdrawn]) == [ana]
    assert not list(client.scan_iter(match=f"*{ana}*"))
    CoursePusher(client).write(connection, [course.id])
    assert not list(client.scan_iter(match=f"*{ana}*"))
    assert served(ana, course.id) is None
    assert served(bo, course.id)["opened_percentile"] == 0.75
    assert past(connection, bo, course.id)["opened_percentile"] == 0.75
    assert past(connection, ana, course.id) is None
    assert served(cy, course.id)["opened_percentile"] == 0.25


def test_an_erased_persons_progress_has_the_new_id(connection: psycopg.Connection[Any]) -> None:
    course, new = Course(), new_id()
    ana = course.enrolled()
    client, pusher = stack_redis.client(), CoursePusher(stack_redis.client())
    pusher.write(connection, [course.id])
    connection.execute("SELECT move_person(%s, %s, '{}')", [ana, new])
    redis_keys.move(client, ana, new)
    pusher.write(connection, [course.id])
    assert not list(client.scan_iter(match=f"*{ana}*"))
    assert served(new, course.id)["opened_percentile"] == 0.5


def test_the_process_refreshes_by_itself(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course()
    ana = course.enrolled()
    monkeypatch.setenv("LMS_FEATURES_COURSE_REFRESH_S", "0.1")
    stop = threading.Event()
    thread = course_push.start(stop)
    try:
        until(lambda: served(ana, course.id), "the course is refreshed")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    found: Any = stack_redis.client().hget(online_windows.progress_key(ana), course.id)
    assert Progress(**orjson.loads(found)).opened == 0
