"""Old chunks of the archive go once they are derived; derived rows stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from contracts.envelope import Envelope, wrap
from contracts.errors import Rejected
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from pipelines import retention
from pipelines.archive.table import ArchiveTable
from pipelines.commands import verify
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.verify.reconcile import Reconciliation
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile
from tests.pipelines.test_derive import archive, drain

pytestmark = pytest.mark.integration

# Long before whatever other tests archive, so that only these chunks are older than the setting.
OLD = datetime(1971, 6, 1, 12, 0, tzinfo=UTC)
RECENT = datetime.now(UTC) - timedelta(days=1)
COURSE, INSTITUTION = new_id(), new_id()


@pytest.fixture
def engine(stack: Profile, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    days = (datetime.now(UTC) - OLD).days - 60
    monkeypatch.setenv("LMS_ARCHIVE_RETENTION_DAYS", str(days))
    with closing(Engine()) as opened:
        rebuild.begin(opened)
        drain(opened)
        yield opened
        opened.connection.execute("UPDATE archive_kept SET days = NULL, begins_at = NULL")


def viewed(
    at: datetime, learner: str, institution: str = INSTITUTION, course: str = COURSE
) -> Envelope:
    return wrap(
        ContentViewed(user_id=learner, course_id=course, item_id=new_id(), kind="page"),
        institution_id=institution,
        source_service="test",
        timestamp=at,
    )


def archived() -> list[datetime]:
    with connect_analytics() as connection:
        found = connection.execute(
            "SELECT timestamp FROM activity_events WHERE course_id = %s ORDER BY 1", [COURSE]
        ).fetchall()
    return [at.astimezone(UTC) for (at,) in found]


def days() -> list[tuple[datetime, int]]:
    with connect_analytics() as connection:
        found = connection.execute(
            "SELECT bucket_at, learners FROM course_learners_day WHERE course_id = %s ORDER BY 1",
            [COURSE],
        ).fetchall()
    return [(at.astimezone(UTC), learners) for at, learners in found]


def test_old_chunks_go_once_they_are_derived_and_derived_rows_stay(engine: Engine) -> None:
    learners = [new_id() for _ in range(3)]
    with closing(ArchiveTable()) as table:
        archive(table, [viewed(at, learner) for at in (OLD, RECENT) for learner in learners])
    assert retention.archive_begins_at(engine.connection) is None
    assert retention.retain(engine.connection) == 0, "no setting: kept for ever"
    retention.configure(engine.connection)
    assert retention.retain(engine.connection) == 0, "what is not derived yet is kept"
    assert len(archived()) == 6
    drain(engine)
    before = days()
    assert [learners for _, learners in before] == [3, 3]
    assert retention.retain(engine.connection) >= 1
    assert archived() == [RECENT] * 3
    assert days() == before
    begins_at = retention.archive_begins_at(engine.connection)
    assert begins_at is not None
    assert OLD < begins_at < OLD + timedelta(days=60)
    assert retention.retain(engine.connection) == 0

    # Made again from what is left, the rows of what is gone stay as they are.
    rebuild.rebuild(["course_learners"])
    assert days() == before
    with pytest.raises(Rejected, match="the archive begins at 1971-"):
        rebuild.rebuild(["enrollment_funnel"])

    # An event for a day that was dropped is counted and goes the next time.
    with closing(ArchiveTable()) as table:
        archive(table, [viewed(OLD, new_id())])
    drain(engine)
    assert days() == [(before[0][0], 4), before[1]]
    assert retention.retain(engine.connection) >= 1
    assert archived() == [RECENT] * 3
    assert days() == [(before[0][0], 4), before[1]]


def test_verify_compares_what_is_kept_and_says_so(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    institution, course = new_id(), new_id()
    events = [
        viewed(at, new_id(), institution, course) for at in (OLD, OLD, RECENT, RECENT, RECENT)
    ]
    producer = kafka.producer()
    for event in events:
        producer.produce(event.topic, event.encode(), event.key)
    assert producer.flush(30) == 0
    with closing(ArchiveTable()) as table:
        archive(table, events)
    drain(engine)
    retention.configure(engine.connection)
    assert retention.retain(engine.connection) >= 1
    derived = {"course_learners", "learner_days", "item_days"}
    derived |= {"archive", "activity_events", "activity_by_hour"}
    with Reconciliation(institution) as reconciliation:
        report = reconciliation.compare()
        assert report.archive_begins_at == retention.archive_begins_at(engine.connection)
        assert report.totals["archive"]["events"] == 3
        assert sum(report.totals["kafka_archive"].values()) == 3 * 2, "events and their clicks"
        # The LMS has none of them, of that verify may complain.
        assert not derived & {one.check.right for one in reconciliation.differences()}
        with connect_analytics() as connection:
            connection.execute(
                "DELETE FROM activity_events WHERE event_id = %s", [events[2].event_id]
            )
        assert "archive" in {one.check.right for one in reconciliation.differences()}
    verify._print(report)
    assert "The archive was compared from 1971-" in capsys.readouterr().out
