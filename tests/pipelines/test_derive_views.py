"""What depends on now: progress, streaks, due and missed work, anomalies; asked of exact tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.event import EVENTS, Event
from contracts.ids import new_id
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from stack.postgres import connect_analytics
from stack.profile import Profile
from tests.pipelines.test_derive import archive, drain

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(stack: Profile) -> Iterator[Engine]:
    with closing(Engine()) as opened:
        rebuild.begin(opened)
        drain(opened)
        yield opened


class Course:
    """One course of one institution, and its events."""

    def __init__(self) -> None:
        self.institution_id, self.course_id, self.item_id = new_id(), new_id(), new_id()

    def wrapped(self, event: Event, at: datetime) -> Envelope:
        return wrap(event, institution_id=self.institution_id, source_service="test", timestamp=at)

    def viewed(self, learner: str, at: datetime) -> Envelope:
        event = EVENTS["content.viewed"](
            user_id=learner, course_id=self.course_id, item_id=self.item_id, kind="page"
        )
        return self.wrapped(event, at)


def taken_in(engine: Engine, events: list[Envelope]) -> None:
    with closing(ArchiveTable()) as table:
        archive(table, events)
    drain(engine)


def asked(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect_analytics() as connection:
        return connection.execute(statement.encode(), values).fetchall()


def test_progress_tells_streaks_and_what_is_due_missed_and_late(engine: Engine) -> None:
    course, learner = Course(), new_id()
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    who = {"user_id": learner, "course_id": course.course_id}
    work = {name: new_id() for name in ("missed", "late", "due", "undated")}
    due = {"missed": -2, "late": -3, "due": 5}
    events = [course.viewed(learner, midnight - timedelta(days=d)) for d in (1, 2, 3, 10, 11)]
    events.append(
        course.wrapped(
            EVENTS["enrollment.created"](enrollment_id=new_id(), **who),
            midnight - timedelta(days=12),
        )
    )
    for number, progress in ((2, 40.0), (1, 55.0), (5, 30.0)):
        event = EVENTS["enrollment.progressed"](enrollment_id=new_id(), progress=progress, **who)
        events.append(course.wrapped(event, now - timedelta(hours=number)))
    for name, assessment_id in work.items():
        at = midnight + timedelta(days=due[name]) if name in due else None
        event = EVENTS["assessment.created"](
            assessment_id=assessment_id,
            course_id=course.course_id,
            kind="exam",
            due_at=at,
            weight=25.0,
        )
        events.append(course.wrapped(event, midnight - timedelta(days=20)))
    for name, score, day in (("late", 40.0, 2), ("undated", 60.0, 1)):
        handed = {**who, "submission_id": new_id(), "assessment_id": work[name], "kind": "exam"}
        at = midnight - timedelta(days=day)
        events.append(course.wrapped(EVENTS["assessment.submitted"](**handed), at))
        events.append(course.wrapped(EVENTS["assessment.graded"](**handed, score=score), at))
    taken_in(engine, events)
    (row,) = asked(
        "SELECT status, progress, active_days, current_streak_days, longest_streak_days, "
        "submitted, late, due, missed, mean_score::float8, score_trend "
        "FROM learner_progress WHERE user_id = %s",
        learner,
    )
    assert row == ("enrolled", 55.0, 5, 3, 3, 2, 1, 1, 1, 50.0, 20.0)


def test_a_streak_ends_when_a_whole_day_has_passed(engine: Engine) -> None:
    course, learner = Course(), new_id()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    taken_in(engine, [course.viewed(learner, midnight - timedelta(days=d)) for d in (2, 3, 4)])
    found = asked(
        "SELECT current_streak_days, longest_streak_days, status FROM learner_progress "
        "WHERE user_id = %s",
        learner,
    )
    assert found == [(0, 3, "guest")]


HOUR_OF_COURSE = """
INSERT INTO course_activity_hour (bucket_at, institution_id, course_id, kind, events, clicks)
VALUES (%s, %s, %s, %s, %s, 0)
"""


def test_a_course_that_falls_silent_and_one_that_is_flooded_are_told(stack: Profile) -> None:
    """Of the sums that Flink makes, which does not run here; nothing stays of them."""
    silent, flooded, usual = Course(), Course(), Course()
    hour = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
    hours = []
    for course, counts in (
        (silent, (25, 25, 25, 25, 4)),
        (flooded, (20, 20, 20, 20, 120)),
        (usual, (25, 30, 20, 25, 22)),
    ):
        for week, count in enumerate(counts):
            place = (hour + timedelta(weeks=week), course.institution_id, course.course_id)
            hours += [(*place, "page", count - 3), (*place, "video", 3)]
    with connect_analytics() as connection:
        connection.cursor().executemany(HOUR_OF_COURSE, hours)

        def found(moment: datetime, course: Course) -> list[tuple[Any, ...]]:
            return connection.execute(
                "SELECT what, found, expected FROM anomalies_at(%s) WHERE about = %s",
                (moment, course.course_id),
            ).fetchall()

        moment = hour + timedelta(weeks=4, hours=2)
        assert found(moment, silent) == [("drop", 4, 25.0)]
        assert found(moment, flooded) == [("spike", 120, 20.0)]
        assert found(moment, usual) == []
        # An hour that is not over is not compared, nor is one of a moment before.
        assert found(hour + timedelta(weeks=4, minutes=30), silent) == []
        connection.rollback()


def test_a_watched_second_time_is_a_repeat_even_on_another_day(engine: Engine) -> None:
    course, learner, other = Course(), new_id(), new_id()
    at = datetime(2025, 6, 2, tzinfo=UTC)

    def watched(who: str, start: float, end: float, day: int) -> Envelope:
        event = EVENTS["video.watched"](
            user_id=who,
            course_id=course.course_id,
            item_id=course.item_id,
            kind="video",
            from_s=start,
            to_s=end,
        )
        return course.wrapped(event, at + timedelta(days=day))

    taken_in(engine, [watched(learner, 0, 10, 0), watched(other, 5, 9, 1)])
    taken_in(engine, [watched(learner, 7, 12, 40)])
    assert asked(
        "SELECT segment, watches, learners, repeats FROM video_heat WHERE item_id = %s "
        "ORDER BY segment",
        course.item_id,
    ) == [(0, 1, 1, 0), (1, 3, 2, 1), (2, 1, 1, 0)]
