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
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
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


def viewed(at: datetime, learner: str) -> Envelope:
    return wrap(
        ContentViewed(user_id=learner, course_id=COURSE, item_id=new_id(), kind="page"),
        institution_id=INSTITUTION,
        source_service="test",
        timestamp=at,
    )


def archived() -> list[datetime]:
    with connect_analytics() as connection:
        found = connection.execute(
            "SELECT timestamp FROM activity_events WHERE course_id = %s ORDER BY 1", [COURSE]
        ).fetchall()
    return [at.astimezone(UTC) for (at,) in found]


def days() -> list[tuple[datetime, int, int]]:
    with connect_analytics() as connection:
        found = connection.execute(
            "SELECT bucket_at, learners, events FROM course_learners_day WHERE course_id = %s "
            "ORDER BY 1",
            [COURSE],
        ).fetchall()
    return [(at.astimezone(UTC), learners, events) for at, learners, events in found]


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
    assert [(learners, events) for _, learners, events in before] == [(3, 3), (3, 3)]
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
        rebuild.rebuild(["running_totals"])

    # An event for a day that was dropped is counted and goes the next time.
    with closing(ArchiveTable()) as table:
        archive(table, [viewed(OLD, new_id())])
    drain(engine)
    assert days() == [(before[0][0], 4, 4), before[1]]
    assert retention.retain(engine.connection) >= 1
    assert archived() == [RECENT] * 3
    assert days() == [(before[0][0], 4, 4), before[1]]
