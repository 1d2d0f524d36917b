"""Loads a snapshot of the feature store and Redis into DuckDB: history, online rows, counters."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import redis

from contracts import live
from contracts.consent import OF_FEATURES
from contracts.errors import Rejected
from stack import cli
from stack import redis as stack_redis
from stack.consent import ConsentSettings

_LIVE_TABLES = """
CREATE OR REPLACE TABLE redis_events (
    institution_id UUID, minute_at TIMESTAMP, course_id UUID, events BIGINT);
CREATE OR REPLACE TABLE redis_learners (
    institution_id UUID, course_id UUID, minutes INTEGER, learners BIGINT, learners_now BIGINT);
"""
_PRESENT = """
SELECT institution_id::VARCHAR, c::VARCHAR, list(DISTINCT user_id::VARCHAR)
FROM (SELECT *, unnest([NULL, course_id]) AS c FROM distinct_events
      WHERE (content OR event_type = 'assessment.submitted') AND moment <= getvariable('now')
        AND moment >= date_trunc('minute', getvariable('now')::TIMESTAMP) - to_minutes(? - 1))
GROUP BY ALL
"""
_AHEAD = """
SELECT DISTINCT institution_id::VARCHAR, unnest([NULL, course_id])::VARCHAR FROM clocks_ahead
WHERE minute_at > getvariable('now')::TIMESTAMP - INTERVAL 2 HOUR
"""
"""Where somebody's clock is ahead: when they were active is known to their messages alone."""
_WINDOWS = (15, live.MINUTES)
"""Minutes up to now in which learners are counted."""


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
    """The counters of the last hour, and for sets of learners what their union should count to.

    An estimate of the same learners is the same number: a set made for the comparison gives it.
    """
    db.execute(_LIVE_TABLES)
    current = live.minute_of(now)
    counts, places = [], set()
    for key in client.scan_iter(match="live:*", count=5_000):
        match key.decode().split(":"):
            case [_, institution, minute] if current - live.MINUTES < int(minute) <= current:
                for course, events in client.hgetall(key).items():  # type: ignore[union-attr]
                    place = course.decode() or None
                    counts.append((institution, _moment(int(minute)), place, int(events)))
            case [_, institution, _, "learners"]:
                places.add((institution, None))
            case [_, institution, course, _, "learners"]:
                places.add((institution, course))
    found, ahead = [], set(db.execute(_AHEAD).fetchall())
    for minutes in _WINDOWS:
        present = {
            (institution, course): learners
            for institution, course, learners in db.execute(_PRESENT, [minutes]).fetchall()
        }
        for institution, course in sorted({*places, *present} - ahead, key=str):
            courses = None if course is None else [course]
            sets = live.learners_keys(institution, courses, current, minutes)
            estimates = _estimates(client, present.get((institution, course), []), sets)
            found.append((institution, course, minutes, *estimates))
    _insert(db, "redis_events", counts)
    _insert(db, "redis_learners", found)


def _estimates(client: redis.Redis, learners: list[str], sets: Sequence[str]) -> tuple[int, int]:
    """What a set of these learners counts to, and what the union of ``sets`` does."""
    draft = f"verify:{uuid.uuid4().hex}"
    pipe = client.pipeline(transaction=False)
    for start in range(0, len(learners), 5_000):
        pipe.pfadd(draft, *learners[start : start + 5_000])
    pipe.expire(draft, 60)
    pipe.pfcount(draft)
    pipe.pfcount(*sets)
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
