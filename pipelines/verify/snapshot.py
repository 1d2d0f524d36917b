"""Loads a snapshot of the feature store and Redis into DuckDB: history, online rows, counters."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import redis

from contracts.consent import OF_FEATURES
from contracts.errors import Rejected
from stack import cli
from stack import redis as stack_redis
from stack.consent import ConsentSettings

LIVE = timedelta(hours=1)
"""How far back the derivation updates Redis for late events; older minutes only expire."""

_LIVE_TABLES = """
CREATE OR REPLACE TABLE redis_events (
    institution_id UUID, minute_at TIMESTAMP, course_id UUID, events BIGINT);
CREATE OR REPLACE TABLE redis_learners (
    institution_id UUID, course_id UUID, minute_at TIMESTAMP, learners BIGINT, learners_now BIGINT);
"""
_PRESENT = """
SELECT institution_id::VARCHAR, c::VARCHAR, date_trunc('minute', moment),
       list(DISTINCT user_id::VARCHAR)
FROM (SELECT *, unnest([NULL, course_id]) AS c FROM distinct_events
      WHERE content AND moment > getvariable('now') - INTERVAL 1 HOUR
        AND moment <= getvariable('now'))
GROUP BY ALL
"""


def load_features(db: duckdb.DuckDBPyConnection) -> None:
    """Replace ``history_…``, ``online_…``, ``trail_…``, ``stored_consent``, ``consent_default``."""
    with tempfile.TemporaryDirectory(prefix="snapshot-") as folder:
        if cli.call("snapshot", folder):
            raise Rejected("the feature store could not be read")
        for path in sorted(Path(folder).glob("*.parquet")):
            name = "stored_consent" if path.stem == "consent" else path.stem
            db.execute(f"CREATE OR REPLACE TABLE {name} AS FROM read_parquet('{path}')")
    _defaults(db)


def load_live_counters(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Make ``redis_events`` and ``redis_learners`` anew; ``distinct_events`` is there."""
    with contextlib.closing(stack_redis.client()) as client:
        _live(db, client, now.astimezone(UTC))


def _defaults(db: duckdb.DuckDBPyConnection) -> None:
    """Whether features are made of people who have not decided, by institution."""
    settings = ConsentSettings()
    found = db.execute("SELECT DISTINCT institution_id::VARCHAR FROM kafka_event").fetchall()
    db.execute(
        "CREATE OR REPLACE TABLE consent_default "
        "(institution_id UUID, purpose VARCHAR, agreed BOOLEAN)"
    )
    rows = [
        (one, purpose, purpose in settings.by_default(one))
        for (one,) in found
        for purpose in OF_FEATURES
    ]
    if rows:
        db.executemany("INSERT INTO consent_default VALUES (?, ?, ?)", rows)


def _live(db: duckdb.DuckDBPyConnection, client: redis.Redis, now: datetime) -> None:
    """The counters of the last hour, and for each set what it should count to.

    An estimate of the same learners is the same number: a set made for the comparison gives it.
    """
    db.execute(_LIVE_TABLES)
    current = int(now.timestamp()) // 60
    minutes = set(range(current - int(LIVE.total_seconds()) // 60 + 1, current + 1))
    counts, sets = [], {}
    for key in client.scan_iter(match="live:*", count=5_000):
        parts = key.decode().split(":")
        if parts[-1] == "learners":
            place, minute = parts[1:-2], int(parts[-2])
            if minute in minutes:
                sets[place[0], place[1] if len(place) > 1 else None, minute] = 0
        elif len(parts) == 3 and parts[2].isdigit() and int(parts[2]) in minutes:
            for course, events in client.hgetall(key).items():  # type: ignore[union-attr]
                counts.append((parts[1], _moment(int(parts[2])), course.decode(), int(events)))
    present: dict[tuple[str, str | None, int], list[str]] = defaultdict(list)
    for institution, course, minute_at, learners in db.execute(_PRESENT).fetchall():
        number = int(minute_at.replace(tzinfo=UTC).timestamp()) // 60
        if number in minutes:
            present[institution, course, number] = learners
    sets_found = [
        (place[0], place[1], _moment(place[2]), *_estimates(client, place, present[place]))
        for place in sorted({*sets, *present}, key=str)
    ]
    _insert(db, "redis_events", counts)
    _insert(db, "redis_learners", sets_found)


def _estimates(
    client: redis.Redis, place: tuple[str, str | None, int], learners: list[str]
) -> tuple[int, int]:
    """What a set of these learners counts to, and what the set in Redis does."""
    draft, where = f"verify:{uuid.uuid4().hex}", ":".join(str(p) for p in place[:2] if p)
    pipe = client.pipeline(transaction=False)
    for start in range(0, len(learners), 5_000):
        pipe.pfadd(draft, *learners[start : start + 5_000])
    pipe.expire(draft, 60)
    pipe.pfcount(draft)
    pipe.pfcount(f"live:{where}:{place[2]}:learners")
    pipe.delete(draft)
    *_, expected, found, _ = pipe.execute()
    return int(expected), int(found)


def _moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC).replace(tzinfo=None)


def _insert(db: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        names = [row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()]
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        db.register("rows", pa.table(columns))
        db.execute(f"INSERT INTO {table} SELECT * FROM rows")
        db.unregister("rows")
