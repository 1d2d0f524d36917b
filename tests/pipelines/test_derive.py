"""The derived tables on real Postgres: exact whatever comes in whatever order, killed or made anew.

What they must hold is computed from the same messages in another way by another engine: the
queries of ``learnstream verify``, from scratch in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from contracts.envelope import Envelope
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.settings import DeriveSettings
from pipelines.verify import reconcile, tables
from pipelines.verify.checks import CHECKS, Difference, first_difference
from pipelines.verify.messages import Messages
from stack.profile import Profile
from tests.pipelines.history import History

pytestmark = pytest.mark.integration

DERIVED_CHECKS = [
    check
    for check in CHECKS
    if check.left in reconcile.DERIVED
    and check.left.startswith("expected_")
    and check.right
    not in ("content_day", "content_hour", "content_minute", "kafka_content", "learner_day")
]


@pytest.fixture
def engine(stack: Profile) -> Iterator[Engine]:
    with closing(Engine(DeriveSettings())) as opened:
        rebuild.begin(opened)
        drain(opened)
        yield opened


def drain(engine: Engine) -> None:
    while engine.step():
        pass
    while engine.settle():
        pass


def archive(table: ArchiveTable, events: list[Envelope]) -> int:
    batch = Batch()
    for event in events:
        batch.add(event, "2026-01-01T00:00:00Z")
    return table.store(batch, {})


def differences(institution_id: str, events: list[Envelope]) -> list[Difference]:
    """Where the tables differ from what DuckDB makes of the events."""
    settings = DeriveSettings()
    with duckdb.connect() as db:
        db.execute(
            f"SET TimeZone = 'UTC'; SET VARIABLE gap = {settings.session_gap_minutes}; "
            f"SET VARIABLE feedback_days = {settings.feedback_window_days}"
        )
        messages = Messages(db)
        for topic in {event.topic for event in events}:
            messages.count(topic, [event.encode() for event in events if event.topic == topic])
        assert not messages.malformed
        for name in reconcile.DERIVED:
            if (
                name.startswith("a_")
                or name in {check.left for check in DERIVED_CHECKS}
                or (name == "expected_question_responses")
            ):
                tables.derive(db, name)
        for check in DERIVED_CHECKS:
            tables.fetch(db, "analytics", check.right)
            db.execute(f"DELETE FROM {check.right} WHERE institution_id <> ?", [institution_id])
        found = [first_difference(db, check) for check in DERIVED_CHECKS]
        for check in DERIVED_CHECKS:
            rows = db.execute(f"SELECT count(*) FROM {check.left}").fetchone()
            assert rows is not None
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
    told = differences(history.institution_id, history.events[:-300])
    assert {one.check.left for one in told} == {check.left for check in DERIVED_CHECKS}
