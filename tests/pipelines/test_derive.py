"""The derived tables on real Postgres: exact whatever comes in whatever order, killed or made anew.

What they must hold is computed from the same messages in another way by another engine: the
queries of ``learnstream verify``, from scratch in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from contracts.envelope import Envelope, wrap
from contracts.errors import Rejected
from contracts.event import EARLIEST, LATEST
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.job import catalogue
from pipelines.derive.settings import DeriveSettings
from pipelines.verify import reconcile, tables
from pipelines.verify.checks import CHECKS, FILES, Difference, first_difference
from pipelines.verify.messages import Messages
from stack.postgres import connect_analytics
from stack.profile import Profile
from tests.pipelines.history import NOON, History

pytestmark = pytest.mark.integration

DERIVED_CHECKS = [
    check
    for check in CHECKS
    if check.left in reconcile.DERIVED
    and (check.left.startswith("expected_") or check.right == "structure")
    and check.right
    not in ("content_day", "content_hour", "content_minute", "kafka_content", "learner_day")
]
DERIVED_TABLES = {table.name for job in catalogue().values() for table in job.tables}
OF_THE_ARCHIVE = (
    *("activity_events", "learner_progress", "enrollment_funnel", "enrollment_times"),
    # What of the future was counted is known to the analytical database alone.
    *(
        check.right
        for check in FILES
        if DERIVED_TABLES & set(check.covers) and "clocks_ahead" not in check.expected
    ),
)
"""The row-by-row checks of what the archive and the derivation write."""


@pytest.fixture
def engine(stack: Profile) -> Iterator[Engine]:
    with closing(Engine(DeriveSettings())) as opened:
        rebuild.begin(opened)
        drain(opened)
        yield opened


def drain(engine: Engine) -> None:
    while engine.step():
        pass
    while engine.refresh_due():
        pass


def archive(table: ArchiveTable, events: list[Envelope]) -> int:
    batch = Batch(at=datetime(2026, 1, 1, tzinfo=UTC))
    for event in events:
        batch.add(event)
    return table.store(batch, {})


def differences(institution_id: str, events: list[Envelope]) -> list[Difference]:
    """Where the tables differ from what DuckDB makes of the events."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        tables.set_variables(db)
        messages = Messages(db)
        for topic in {event.topic for event in events}:
            messages.count(topic, [event.encode() for event in events if event.topic == topic])
        assert not messages.malformed
        for name in reconcile.DERIVED:
            if (
                name in ("distinct_events", "distinct_payloads", "learner_actions")
                or name in {check.left for check in DERIVED_CHECKS}
                or (name == "expected_question_responses")
            ):
                tables.derive(db, name)
        checks = [*DERIVED_CHECKS, *(check for check in FILES if check.right in OF_THE_ARCHIVE)]
        with tables.snapshot("analytics") as analytics:
            now = analytics.execute("SELECT now()").fetchone()
            db.execute("SET VARIABLE now = ?::TIMESTAMPTZ AT TIME ZONE 'UTC'", now)
            for check in DERIVED_CHECKS:
                tables.fetch(db, analytics, "analytics", check.right)
            for check in FILES:
                if check in checks:
                    tables.load(db, analytics, check.found, check.right)
                    tables.make(db, check.expected, check.left)
        for check in checks:
            db.execute(f"DELETE FROM {check.right} WHERE institution_id <> ?", [institution_id])
        found = [first_difference(db, check) for check in checks]
        return [one for one in found if one]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_with_duplicates_ends_in_the_same_rows(engine: Engine, seed: int) -> None:
    history = History(seed)
    with closing(ArchiveTable()) as table:
        for events in history.batches(history.disordered()):
            archive(table, events)
            if seed % 2 == 0:  # a step for each batch; else as many as come together
                engine.step()
    drain(engine)
    assert differences(history.institution_id, history.events) == []


def test_the_comparison_can_fail_for_every_table(engine: Engine) -> None:
    history = History(99)
    with closing(ArchiveTable()) as table:
        archive(table, history.events)
    drain(engine)
    found = differences(history.institution_id, history.events[:-360])
    checked = {check.right for check in DERIVED_CHECKS} | set(OF_THE_ARCHIVE)
    assert {one.check.right for one in found} == checked


def test_a_rebuild_gives_the_rows_that_the_stream_has(engine: Engine) -> None:
    history = History(11)
    with closing(ArchiveTable()) as table:
        for events in history.batches(history.disordered()):
            archive(table, events)
    drain(engine)
    before = contents()
    with connect_analytics() as connection:
        for name in before:  # whatever stood there is not what is made
            connection.execute(f"DELETE FROM {name} WHERE random() < 0.5".encode())
    rebuild.rebuild([])
    assert contents() == before


def test_a_rebuild_since_a_moment_leaves_the_earlier_rows_alone(engine: Engine) -> None:
    history = History(12)
    with closing(ArchiveTable()) as table:
        archive(table, history.disordered())
    drain(engine)
    before = contents(("sessions", "item_engagement"))
    since = NOON - timedelta(days=1)
    with connect_analytics() as connection:
        connection.execute("UPDATE sessions SET events = 77 WHERE started_at >= %s", [since])
        connection.execute("DELETE FROM item_engagement WHERE bucket_at >= %s", [since])
        connection.execute(
            "UPDATE sessions SET events = 78 WHERE started_at < %s AND institution_id = %s",
            [since, history.institution_id],
        )
    rebuild.rebuild(["sessions", "item_engagement"], since)
    after = contents(("sessions", "item_engagement"))
    assert after["item_engagement"] == before["item_engagement"]
    assert sorted({row[4] for row in set(after["sessions"]) - set(before["sessions"])}) == [78]
    rebuild.rebuild(["sessions"])
    assert contents(("sessions",))["sessions"] == before["sessions"]


def test_a_table_that_is_not_kept_by_time_is_rebuilt_whole_or_not(engine: Engine) -> None:
    with pytest.raises(Rejected, match="learner_course is not kept by time"):
        rebuild.rebuild(["enrollment_funnel"], NOON)


def test_an_archive_from_before_the_derivation_is_derived_once(engine: Engine) -> None:
    before = contents()
    with connect_analytics() as connection:
        connection.execute("UPDATE activity_events SET batch_no = 0 WHERE batch_no <> 0")
        connection.execute("DELETE FROM derive_position")
        for name in before:
            connection.execute(f"DELETE FROM {name}".encode())
    rebuild.begin(engine)
    drain(engine)
    assert contents() == before
    assert engine.position() == 0


def contents(names: tuple[str, ...] = ()) -> dict[str, list[tuple]]:
    """All rows of the derived tables."""
    found = {}
    with connect_analytics() as connection:
        for name in names or [table.name for job in catalogue().values() for table in job.tables]:
            rows = connection.execute(f"SELECT * FROM {name}".encode()).fetchall()
            plain = [tuple(str(v) if isinstance(v, list) else v for v in row) for row in rows]
            found[name] = sorted(plain, key=repr)
    return found


def test_late_events_and_events_from_the_future_end_in_their_buckets(engine: Engine) -> None:
    """A minute, a day, a month, a year late; a year ahead, and at the ends of time."""
    learner, course, item, institution = new_id(), new_id(), new_id(), new_id()
    moments = [
        NOON,
        *(
            NOON - timedelta(**by)
            for by in ({"minutes": 1}, {"days": 1}, {"days": 30}, {"days": 365}, {"days": -365})
        ),
    ]
    moments += [LATEST - timedelta(minutes=1), EARLIEST]
    events = [
        wrap(
            ContentViewed(user_id=learner, course_id=course, item_id=item, kind="page"),
            institution_id=institution,
            source_service="test",
            timestamp=at,
        )
        for at in moments
    ]
    with closing(ArchiveTable()) as table:
        for event in events:
            archive(table, [event])
            engine.step()
    assert differences(institution, events) == []
    with connect_analytics() as connection:
        days = connection.execute(
            "SELECT count(*) FROM course_learners_day WHERE course_id = %s AND learners = 1",
            [course],
        ).fetchone()
        ahead = connection.execute(
            "SELECT events, most_ahead_ms > 170::bigint * 365 * 86400000 FROM clock_skew "
            "WHERE institution_id = %s",
            [institution],
        ).fetchone()
    assert days == (7,)
    assert ahead == (2, True)
