"""Compares source, LMS, Kafka and TimescaleDB until they are equal or stand still."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from contracts.errors import Rejected
from pipelines.verify import tables
from pipelines.verify.checks import CHECKS, Difference, first_difference
from pipelines.verify.messages import Messages
from stack import cli

HERE = Path(__file__).parent
SOURCES = ("source_content", "source_enrollment", "source_submission")
MEMORY_LIMIT = "1500MB"
STILL_S = 20.0
"""Unequal and unchanged for so long, and nothing more is expected to come."""


@dataclass(slots=True)
class Report:
    """What was compared, its totals, and the first difference if there is one."""

    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    difference: Difference | None = None
    trouble: str | None = None
    """Something wrong that is no difference of two tables: dead letters, malformed messages."""
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        return self.difference is None and self.trouble is None


Progress = Callable[[str], None]


def verify(
    wait_s: float = 0.0,
    say: Progress = lambda what: None,
    institution: str | None = None,
) -> Report:
    """Compare everything; where something differs, look again until ``wait_s`` have passed.

    With an ``institution``, only what belongs to it; dead letters belong to nobody.
    Raises ``Retryable`` where a part is away and ``Rejected`` where a source cannot be counted.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="verify-") as scratch:
        folder = Path(scratch)
        say("counting the sources")
        if cli.call("expected", str(folder / "sources")):
            raise Rejected("the imported sources could not be counted")
        with duckdb.connect(str(folder / "verify.duckdb")) as db:
            db.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET TimeZone = 'UTC'")
            for table in SOURCES:
                files = folder / "sources" / f"{table}-*.parquet"
                db.execute(f"CREATE TABLE {table} AS FROM read_parquet('{files}')")
            if institution:
                _keep_only(db, institution, SOURCES)
            report = _until_equal(db, Messages(db), started, wait_s, say, institution)
    report.seconds = time.monotonic() - started
    return report


def _until_equal(
    db: duckdb.DuckDBPyConnection,
    messages: Messages,
    started: float,
    wait_s: float,
    say: Progress,
    institution: str | None,
) -> Report:
    last, changed_at = "", time.monotonic()
    while True:
        report = _compare(db, messages, say, institution)
        now = time.monotonic()
        state = f"{report.difference} {report.trouble} {messages.events}"
        if state != last:
            last, changed_at = state, now
        if report.equal or now - started >= wait_s or now - changed_at >= STILL_S:
            return report
        say(f"waiting: {report.difference or report.trouble}")
        time.sleep(min(1.0, max(0.0, wait_s - (now - started))))


def _compare(
    db: duckdb.DuckDBPyConnection, messages: Messages, say: Progress, institution: str | None
) -> Report:
    """One look at everything: the LMS first, for what it has must be in Kafka, and so on."""
    report = Report()
    for database in ("lms", "messages", "analytics"):
        if database == "messages":
            say("reading Kafka")
            messages.catch_up(lambda count: say(f"reading Kafka: {messages.events:,} events"))
            if institution:
                _keep_only(db, institution, ("kafka_count", "kafka_id", "kafka_graded_submission"))
            continue
        for path in sorted((HERE / database).glob("*.sql")):
            say(f"asking {database}: {path.stem}")
            tables.fetch(db, database, path.stem)
            if institution:
                _keep_only(db, institution, (path.stem,))
    say("comparing")
    for table in DERIVED:
        tables.derive(db, table)
    report.totals = _totals(db)
    if messages.dead_letters and not institution:
        report.trouble = f"{messages.dead_letters} messages in lms.dead-letters"
    elif messages.malformed and not institution:
        report.trouble = messages.malformed[0]
    for check in CHECKS:
        report.difference = first_difference(db, check)
        if report.difference:
            break
    return report


def _keep_only(db: duckdb.DuckDBPyConnection, institution: str, names: tuple[str, ...]) -> None:
    for table in names:
        db.execute(f"DELETE FROM {table} WHERE institution_id <> ?", [institution])


DERIVED = (
    "expected_by_learner",
    *sorted(p.stem for p in (HERE / "derived").glob("*.sql") if p.stem != "expected_by_learner"),
)
"""``expected_by_learner`` first: others are made from it."""


def _totals(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    totals = {}
    for table in dict.fromkeys(name for check in CHECKS for name in (check.left, check.right)):
        columns = {row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()}
        names = [name for name in ("events", "clicks") if name in columns]
        row = db.execute(
            "SELECT "
            + ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in names)
            + f" FROM {table}"
        ).fetchone()
        totals[table] = dict(zip(names, row or (), strict=True))
    return totals
