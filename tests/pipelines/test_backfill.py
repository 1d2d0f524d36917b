"""History made again is the history the stream had written, row by row; online rows stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.errors import Rejected
from contracts.event import EVENTS
from contracts.ids import new_id
from contracts.topics import FEATURES
from features import online
from features.catalogue import VIEWS
from features.push import Pusher
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.backfill import backfill
from pipelines.derive.engine import Engine
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile
from stack.redis import client
from tests.pipelines.pushed import push, since
from tests.topics import ends

pytestmark = pytest.mark.integration

START = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
DAYS = 6


class Term:
    """Learners who study, hand in and are graded, day after day."""

    def __init__(self) -> None:
        self.institution_id, self.course, self.work = new_id(), new_id(), new_id()
        self.learners = [new_id() for _ in range(3)]
        self.items = [new_id() for _ in range(2)]

    def wrapped(self, type_: str, at: datetime, **fields: Any) -> Envelope:
        return wrap(
            EVENTS[type_](course_id=self.course, **fields),
            institution_id=self.institution_id,
            source_service="test",
            timestamp=at,
        )

    def day(self, number: int) -> list[Envelope]:
        """In the order of their moments, of which no two are the same."""
        at, events = START + timedelta(days=number), []
        if number == 0:
            due = START + timedelta(days=3)
            work = {"assessment_id": self.work, "kind": "exam", "weight": 10.0, "due_at": due}
            events.append(self.wrapped("assessment.created", at - timedelta(hours=1), **work))
        for place, learner in enumerate(self.learners):
            moment = at + timedelta(minutes=7 * place)
            if number == 0:
                events.append(
                    self.wrapped(
                        "enrollment.created", moment, user_id=learner, enrollment_id=new_id()
                    )
                )
            if (number + place) % 3 == 0:
                continue  # a day without
            for nth in range(1 + (number * place) % 4):
                seen = {"user_id": learner, "item_id": self.items[(number + nth) % 2]}
                after = moment + timedelta(minutes=1, seconds=nth * 11)
                events.append(self.wrapped("content.viewed", after, **seen, kind="quiz"))
            if number == 2 + place:
                handed = {
                    "user_id": learner,
                    "assessment_id": self.work,
                    "kind": "exam",
                    "submission_id": new_id(),
                }
                for minutes, type_, more in (
                    (3, "assessment.submitted", {}),
                    (5, "assessment.graded", {"score": 70.0}),
                ):
                    after = moment + timedelta(minutes=minutes)
                    events.append(self.wrapped(type_, after, **handed, **more))
        return sorted(events, key=lambda event: event.timestamp)


@pytest.fixture
def engine(stack: Profile) -> Iterator[Engine]:
    with closing(Engine()) as opened:
        rebuild.begin(opened)
        taken_in(opened, [])
        yield opened


def taken_in(engine: Engine, events: list[Envelope]) -> None:
    batch = Batch()
    for event in events:
        batch.add(event)
    with closing(ArchiveTable()) as table:
        table.store(batch, {})
    while engine.step():
        pass
    while engine.refresh_due():
        pass


def history(institution_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every view, without the moment it was received."""
    found = {}
    with connect_analytics() as connection:
        for name, view in VIEWS.items():
            columns = ", ".join((view.entity.join_key, "event_timestamp", *view.features))
            found[name] = connection.execute(
                f"SELECT {columns} FROM features.{name} "
                "WHERE institution_id = %s ORDER BY 1, 2".encode(),
                [institution_id],
            ).fetchall()
    return found


def forget(institution_id: str) -> None:
    with connect_analytics() as connection:
        for name in VIEWS:
            connection.execute(
                f"DELETE FROM features.{name} WHERE institution_id = %s".encode(), [institution_id]
            )


@pytest.fixture(scope="module")
def pusher(registered: Profile) -> Pusher:
    return Pusher(kafka.producer())


def online_rows(term: Term) -> list[Any]:
    with closing(client()) as redis:
        return [
            redis.hgetall(online.entity_key(view, entity))
            for view in VIEWS.values()
            for entity in (*term.learners, *term.items)
        ]


def test_history_made_again_is_what_the_stream_had_written(engine: Engine, pusher: Pusher) -> None:
    term = Term()
    for number in range(DAYS):
        taken_in(engine, term.day(number))
        push(engine, pusher=pusher)
    streamed, served = history(term.institution_id), online_rows(term)
    assert min(map(len, streamed.values())) >= DAYS
    forget(term.institution_id)
    before = ends(FEATURES.name)
    published = backfill(since=START - timedelta(days=1), until=START + timedelta(days=DAYS))
    assert set(published) == set(VIEWS)
    pusher.write(since(before))
    again = history(term.institution_id)
    for name in VIEWS:
        assert again[name] == streamed[name]
    assert online_rows(term) == served

    # A part of it, and once more: nothing else changes.
    before = ends(FEATURES.name)
    part = backfill(["learner_engagement"], START + timedelta(days=3), START + timedelta(days=4))
    assert 0 < part["learner_engagement"] < published["learner_engagement"]
    pusher.write(since(before))
    assert history(term.institution_id) == streamed


def test_a_row_of_each_event_is_what_the_stream_told_at_that_event(
    engine: Engine, pusher: Pusher
) -> None:
    term = Term()
    for event in [event for number in range(3) for event in term.day(number)]:
        taken_in(engine, [event])
        push(engine, pusher=pusher)
    streamed = history(term.institution_id)
    forget(term.institution_id)
    before = ends(FEATURES.name)
    backfill(["learner_engagement", "learner_activity"], START, START + timedelta(days=3), "event")
    pusher.write(since(before))
    again = history(term.institution_id)
    for name in ("learner_engagement", "learner_activity"):
        assert again[name] == streamed[name]
        assert len(again[name]) >= 6


def test_a_view_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Rejected, match="there are item_quality"):
        backfill(["learner_mood"])
