"""The relay's side of the outbox in Postgres: the lock, the next batch, and what was intended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from core_lms.outbox.failpoint import reached
from core_lms.outbox.settings import OutboxSettings

RELAY_LOCK = 0x4C4D5302
"""Session advisory lock of the one relay at work."""

NEXT_BATCH = (Path(__file__).parent / "next_batch.sql").read_text(encoding="utf-8")

FROM_ZERO_EVERY_S = 60.0

DELETE = "DELETE FROM outbox WHERE id = ANY(%s)"

SESSION = (
    # What we intend must survive a crash of Postgres, whatever the server's default is.
    "-c synchronous_commit=on "
    # A relay whose machine vanished must not keep the lock for the two hours TCP would grant it.
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One event waiting."""

    id: int
    topic: str
    key: str
    message: str
    created_at: datetime
    traceparent: str | None = None
    """The trace it was written in, if any."""
    history: bool = False
    """Whether it is marked as history."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that go to Kafka in one transaction, under a number that never comes twice."""

    number: int
    rows: list[Row]

    @property
    def ids(self) -> list[int]:
        return [row.id for row in self.rows]


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """The row of ``outbox_relay``."""

    outbox_id: str
    batch_no: int
    row_ids: list[int]
    published_no: int


class OutboxTable:
    """Needs a connection of its own, straight to the server: the lock lives in the session.

    A pooler that hands out a different session per transaction would silently drop the lock.
    """

    def __init__(self, url: str, settings: OutboxSettings) -> None:
        self._settings = settings
        self._connection = psycopg.connect(
            url,
            autocommit=True,
            application_name="learnstream-outbox-relay",
            connect_timeout=10,
            options=SESSION,
        )
        self._low_water = LowWater(self._connection)

    def close(self) -> None:
        self._connection.close()

    def try_lock(self) -> bool:
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [RELAY_LOCK]).fetchone()
        return bool(row and row[0])

    def bookkeeping(self) -> Bookkeeping:
        row = self._connection.execute(
            "SELECT outbox_id::text, batch_no, row_ids, published_no FROM outbox_relay"
        ).fetchone()
        assert row is not None, "migration 0006 inserts the only row and nothing deletes it"
        return Bookkeeping(*row)

    def any_left(self, ids: list[int]) -> bool:
        row = self._connection.execute(
            "SELECT EXISTS (SELECT FROM outbox WHERE id = ANY(%s))", [ids]
        ).fetchone()
        return bool(row and row[0])

    def next(self, published_no: int, published_ids: list[int]) -> Batch | None:
        """Forget what is in Kafka and, in the same transaction, intend the next batch.

        The commit waits for the disk, and with it for the commits of the writers before us: nothing
        is published that a crash of Postgres could undo.
        """
        parameters = {
            "low_water": self._low_water.start(),
            "rows": self._settings.batch_rows,
            "bytes": self._settings.batch_bytes,
            "published_no": published_no,
        }
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            with self._connection.pipeline():
                if published_ids:
                    self._connection.execute(DELETE, [published_ids])
                cursor.execute(NEXT_BATCH, parameters)
            found = cursor.fetchall()
            reached("intending")
        batch = Batch(found[0][0], [Row(*row[1:]) for row in found]) if found else None
        self._low_water.scanned(batch.rows[0].id if batch else None)
        return batch

    def forget(self, published_no: int, published_ids: list[int]) -> None:
        """Delete what is in Kafka without intending more: the last act of a relay that stops."""
        with self._connection.transaction():
            self._connection.execute(DELETE, [published_ids])
            self._connection.execute(
                "UPDATE outbox_relay SET published_no = %s, row_ids = '{}'", [published_no]
            )


class LowWater:
    """An id below which no row is left and none can appear, so that scans may start there.

    Deleted rows stay in the index until vacuum may remove them; while somebody's long transaction
    forbids that, a scan from the very beginning would crawl over all of them each time.

    Proof: every writer has a transaction id before it takes an outbox id (``append.sql``). We read
    the last outbox id given out, S, and after it a snapshot whose ids in use are all below X. Once
    nothing below X is running, every row up to S is visible or will never be. If a scan begun after
    that starts above S, no row up to S is left.

    A writer that bypasses ``append`` breaks the premise, so once a minute a scan starts at zero:
    its row would come late, not never.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._value = 0
        self._connection = connection
        self._every_s = every_s
        self._from_zero_at = clock() + FROM_ZERO_EVERY_S
        self._clock = clock
        self._next_at = clock()
        self._given_out: int | None = None
        self._in_use_below = 0
        self._all_below_ended = False

    def start(self) -> int:
        """Where the next scan starts."""
        if self._clock() >= self._from_zero_at:
            self._from_zero_at = self._clock() + FROM_ZERO_EVERY_S
            return 0
        return self._value

    def scanned(self, first_id: int | None) -> None:
        """Note the lowest id of a scan that has just ended, or None where it found no row."""
        if self._all_below_ended and self._given_out is not None:
            if first_id is None or first_id > self._given_out:
                self._value = self._given_out + 1
                self._given_out, self._all_below_ended = None, False
            return
        if self._clock() < self._next_at:
            return
        self._next_at = self._clock() + self._every_s
        if self._given_out is None:
            self._given_out = self._read("SELECT coalesce(pg_sequence_last_value(%s), 0)")
            self._in_use_below = self._read("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        self._all_below_ended = (
            self._read("SELECT pg_snapshot_xmin(pg_current_snapshot())") >= self._in_use_below
        )

    def _read(self, query: str) -> int:
        parameters = ["outbox_id_seq"] if "%s" in query else None
        row = self._connection.execute(query, parameters).fetchone()
        return int(row[0]) if row else 0
