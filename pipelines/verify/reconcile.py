"""Compares source, LMS, Kafka and TimescaleDB until they are equal or stand still."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from contracts.errors import Rejected
from pipelines.retention import archive_begins_at
from pipelines.verify import beginning, snapshot, tables
from pipelines.verify.beginning import Beginning
from pipelines.verify.behind import STILL_S, Progress, wait_until_idle
from pipelines.verify.checks import CHECKS, FILES, Check, Difference, first_difference
from pipelines.verify.messages import Messages
from stack import cli

HERE = Path(__file__).parent
SOURCES = ("source_content", "source_enrollment", "source_submission")
KAFKA = ("kafka_event", "kafka_payload")
MEMORY_LIMIT = "1500MB"


@dataclass(slots=True)
class Report:
    """What was compared, its totals, and the first difference if there is one."""

    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    difference: Difference | None = None
    trouble: str | None = None
    """Something wrong that is no difference of two tables: dead letters, malformed messages."""
    seconds: float = 0.0
    at: float = 0.0
    """When it was found, on ``time.monotonic``'s clock."""
    archive_begins_at: datetime | None = None
    """What the archive alone knows was compared from there on; None: from the beginning."""

    @property
    def equal(self) -> bool:
        return self.difference is None and self.trouble is None


class Reconciliation:
    """One comparison that can be repeated: sources are counted once, Kafka is read on from where
    it was, everything else is loaded anew.

    Open with ``with``. With an ``institution``, only what belongs to it; dead letters belong to
    nobody and are left out. With ``repeats``, messages that repeat an event are no difference:
    then only what is made of them is compared. Raises ``Retryable`` where a component is down and
    ``Rejected`` where a source cannot be counted.
    """

    def __init__(
        self,
        institution: str | None = None,
        say: Progress = lambda what: None,
        repeats: bool = False,
    ) -> None:
        self._institution = institution
        self._repeats = repeats
        self._begins_at: datetime | None = None
        self._beginning: Beginning | None = None
        self._say = say

    def __enter__(self) -> Reconciliation:
        with contextlib.ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="verify-")))
            self._say("counting the sources")
            if cli.call("expected", str(folder / "sources")):
                raise Rejected("the imported sources could not be counted")
            self._db = opened.enter_context(duckdb.connect(str(folder / "verify.duckdb")))
            self._db.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET TimeZone = 'UTC'")
            tables.set_variables(self._db)
            for table in SOURCES:
                files = folder / "sources" / f"{table}-*.parquet"
                self._db.execute(f"CREATE TABLE {table} AS FROM read_parquet('{files}')")
            self._keep_institution(*SOURCES)
            self.messages = Messages(self._db)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def compare(self) -> Report:
        """Compare everything once: the LMS first, for what it has must be in Kafka, and so on."""
        checks = self.load()
        report = Report(_totals(self._db, checks), archive_begins_at=self._begins_at)
        if not self._institution:
            report.trouble = self.messages.trouble()
        for check in checks:
            report.difference = first_difference(self._db, check)
            if report.difference:
                break
        return report

    def differences(self) -> list[Difference]:
        """The first difference of every check that has one."""
        found = (first_difference(self._db, check) for check in self.load())
        return [one for one in found if one]

    def load(self) -> list[Check]:
        """Load everything into DuckDB; returns the checks that are possible with it.

        What depends on now is as of one moment, that of the analytical database's snapshot.
        """
        with tables.snapshot("lms") as lms:
            self._load_all("lms", lms)
        if self._beginning is None:
            with tables.snapshot("analytics") as analytics:
                self._beginning = beginning.find(analytics)
                self._say("reading from the archive what Kafka no longer has")
                beginning.load(self._db, analytics, self._beginning)
            self.messages.begin(self._beginning.offsets)
        self._say("reading Kafka")
        self.messages.catch_up(
            lambda count: self._say(f"reading Kafka: {self.messages.events:,} events")
        )
        self._keep_institution(*KAFKA)
        with tables.snapshot("analytics") as analytics:
            now = analytics.execute("SELECT now()").fetchone()[0]  # type: ignore[index]
            self._db.execute("SET VARIABLE now = ?::TIMESTAMPTZ AT TIME ZONE 'UTC'", [now])
            self._begins_at = archive_begins_at(analytics)
            self._db.execute(
                "SET VARIABLE archive_begins_at = ?::TIMESTAMPTZ AT TIME ZONE 'UTC'",
                [self._begins_at],
            )
            self._load_all("analytics", analytics)
            self._db.execute((HERE / "rename_erased.sql").read_text(encoding="utf-8"))
            for check in FILES:
                if check.source == "analytics":
                    self._say(f"reading analytics: {check.right}")
                    tables.load(self._db, analytics, check.found, check.right)
                    self._keep_institution(check.right)  # others are derived of it
        self._say("reading the feature store")
        snapshot.load_features(self._db)
        self._say("comparing")
        for table in DERIVED:
            tables.derive(self._db, table)
        snapshot.load_live_counters(self._db, now)
        for check in FILES:
            if check.source == "snapshot":
                tables.make(self._db, check.found, check.right)
            tables.make(self._db, check.expected, check.left)
        self._keep_institution(*(name for check in FILES for name in (check.left, check.right)))
        return [check for check in CHECKS if self._can(check)]

    def _can(self, check: Check) -> bool:
        if self._repeats and check.right == "kafka_distinct_ids":
            return False
        # Who watched a segment before is known for as long as the archive is kept.
        if self._begins_at is not None and check.right == "heat":
            return False
        # Of what neither Kafka nor the archive has any more, nothing can be computed.
        gone = self._begins_at is not None and bool(self._beginning and self._beginning.batch_no)
        if gone and _needs_all_events(check):
            return False
        # What belongs to no institution is compared for all of them or not at all.
        return not self._institution or "institution_id" in tables.columns(self._db, check.right)

    def _load_all(self, database: str, connection: psycopg.Connection[Any]) -> None:
        for path in sorted((HERE / database).glob("*.sql")):
            self._say(f"reading {database}: {path.stem}")
            tables.fetch(self._db, connection, database, path.stem)
            self._keep_institution(path.stem)

    def _keep_institution(self, *names: str) -> None:
        if self._institution:
            for table in names:
                if "institution_id" not in tables.columns(self._db, table):
                    continue
                self._db.execute(
                    f"DELETE FROM {table} WHERE institution_id IS DISTINCT FROM ?::UUID",
                    [self._institution],
                )


def verify(
    wait_s: float = 0.0,
    say: Progress = lambda what: None,
    institution: str | None = None,
    repeats: bool = False,
) -> Report:
    """Compare everything; where something differs, compare again until ``wait_s`` have passed.

    Who waits compares once nothing is known to be on its way. It gives up earlier where nothing
    has changed for ``STILL_S``.
    """
    started = time.monotonic()
    if wait_s:
        wait_until_idle(wait_s, say)
    with Reconciliation(institution, say, repeats) as reconciliation:
        last, changed_at = "", started
        while True:
            report = reconciliation.compare()
            now = report.at = time.monotonic()
            state = f"{report.difference} {report.trouble} {report.totals}"
            if state != last:
                last, changed_at = state, now
            if report.equal or now - started >= wait_s or now - changed_at >= STILL_S:
                report.seconds = now - started
                return report
            say(f"waiting: {report.trouble or report.difference}")
            time.sleep(min(1.0, max(0.0, wait_s - (now - started))))


def _needs_all_events(check: Check) -> bool:
    """Whether what is expected is computed of every event there ever was."""
    queries = {
        path.stem: path.read_text(encoding="utf-8") for path in (HERE / "derived").glob("*.sql")
    }
    whole, left = "", [check.expected, queries.pop(check.left, ""), queries.pop(check.right, "")]
    while left:
        text = left.pop()
        whole += text
        left += [queries.pop(name) for name in re.findall(r"\w+", text) if name in queries]
    events = re.search(r"\b(kafka_event|kafka_payload)\b", whole)
    return events is not None and "archive_begins_at" not in whole


def _in_order() -> list[str]:
    """The tables of ``derived/``, each after those its query names."""
    texts = {
        path.stem: path.read_text(encoding="utf-8") for path in (HERE / "derived").glob("*.sql")
    }
    needs = {
        table: {name for name in re.findall(r"\w+", text) if name in texts and name != table}
        for table, text in sorted(texts.items())
    }
    return list(TopologicalSorter(needs).static_order())


DERIVED = _in_order()


def _totals(db: duckdb.DuckDBPyConnection, checks: Sequence[Check]) -> dict[str, dict[str, int]]:
    totals = {}
    for table in dict.fromkeys(name for check in checks for name in (check.left, check.right)):
        columns = tables.columns(db, table)
        names: list[str] = [name for name in ("events", "clicks") if name in columns]
        sums = [f"coalesce(sum({name}), 0)::BIGINT" for name in names] or ["count(*)"]
        names = names or ["rows"]
        row = db.execute(f"SELECT {', '.join(sums)} FROM {table}").fetchone()
        totals[table] = dict(zip(names, row or (), strict=True))
    return totals
