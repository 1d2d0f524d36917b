"""The low-water mark: scans skip what is gone, and never what may still come."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.outbox import APPEND
from core_lms.outbox.settings import OutboxSettings
from core_lms.outbox.table import FROM_ZERO_EVERY_S, LowWater, OutboxTable

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def scan(connection: Any, mark: LowWater, clock: Clock, times: int = 4) -> None:
    """What the relay does each round, with time passing in between."""
    for _ in range(times):
        clock.now += 2
        row = connection.execute(
            "SELECT min(id) FROM outbox WHERE id >= %s", [mark.start()]
        ).fetchone()
        mark.scanned(row[0])


def test_it_rises_over_what_was_deleted(outbox: Any) -> None:
    clock = Clock()
    with outbox.connect(autocommit=True) as connection:
        mark = LowWater(connection, clock=clock)
        for number in range(5):
            connection.execute(APPEND, outbox.event(new_id(), number + 1))
        scan(connection, mark, clock)
        assert mark.start() == 0, "rows are left"
        connection.execute("DELETE FROM outbox")
        scan(connection, mark, clock)
        assert mark.start() == 6


def test_it_stays_below_the_id_of_a_transaction_that_is_still_open(outbox: Any) -> None:
    clock = Clock()
    with outbox.connect(autocommit=True) as connection, outbox.connect() as slow:
        mark = LowWater(connection, clock=clock)
        slow.execute(APPEND, outbox.event(new_id(), 1))
        for number in range(5):
            connection.execute(APPEND, outbox.event(new_id(), number + 1))
        connection.execute("DELETE FROM outbox")
        scan(connection, mark, clock, times=9)
        assert mark.start() <= 1
        slow.commit()
        scan(connection, mark, clock)
        assert mark.start() <= 1, "the late row is still there"
        connection.execute("DELETE FROM outbox")
        scan(connection, mark, clock)
        assert mark.start() > 6


def test_a_reader_with_an_old_snapshot_does_not_hold_it_down(outbox: Any) -> None:
    """That reader is why the mark exists: it keeps dead rows from being vacuumed."""
    clock = Clock()
    with outbox.connect(autocommit=True) as connection, outbox.connect() as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM outbox")
        mark = LowWater(connection, clock=clock)
        connection.execute(APPEND, outbox.event(new_id(), 1))
        connection.execute("DELETE FROM outbox")
        scan(connection, mark, clock)
        assert mark.start() == 2


def test_once_a_minute_a_scan_starts_at_zero_nevertheless(outbox: Any) -> None:
    clock = Clock()
    with outbox.connect(autocommit=True) as connection:
        mark = LowWater(connection, clock=clock)
        connection.execute(APPEND, outbox.event(new_id(), 1))
        connection.execute("DELETE FROM outbox")
        scan(connection, mark, clock)
        assert mark.start() == 2
        clock.now += FROM_ZERO_EVERY_S
        assert [mark.start(), mark.start()] == [0, 2]


def test_a_batch_ends_at_its_bound_of_rows_or_bytes_but_never_empty(outbox: Any) -> None:
    with outbox.connect(autocommit=True) as connection:
        for number in range(6):
            connection.execute(APPEND, outbox.event(new_id(), number + 1))
    for settings, lengths in (
        (OutboxSettings(batch_rows=4), [4, 2]),
        (OutboxSettings(batch_bytes=1), [1, 1, 1, 1, 1, 1]),
        (OutboxSettings(batch_bytes=900), [3, 3]),
    ):
        table = OutboxTable(outbox.url, settings)
        found, published = [], []
        with table._connection.transaction(force_rollback=True):
            while batch := table.next(0, published):
                found.append(len(batch.rows))
                published = batch.ids
        table.close()
        assert found == lengths
