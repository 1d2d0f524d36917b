"""OULAD as messages on all its topics, by the importer's own mapping and publisher, up to a day."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from confluent_kafka import TopicPartition

from contracts.errors import Misconfigured
from contracts.ids import DEFAULT_INSTITUTION
from contracts.topics import CONTENT
from imports import publishing
from imports.oulad import history
from imports.oulad.source import locate, opened
from stack import kafka
from stack.profile import REPOSITORY

GROUP = "bench-stream"
SHARED = Path(os.environ.get("LMS_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "oulad"
SAMPLE = REPOSITORY / "data" / "oulad-sample"


@dataclass(frozen=True, slots=True)
class Size:
    """The history before ``until_day``: all its messages, and those of them about content."""

    until_day: int
    events: int
    content: int


@dataclass(frozen=True, slots=True)
class History:
    """The whole history, mapped, in DuckDB."""

    source: Path
    db: duckdb.DuckDBPyConnection

    def size(self, most: float) -> Size:
        """Whole days with at most ``most`` events; one day at least."""
        days = self.db.execute(
            "SELECT day + 1, sum(n) OVER o, sum(content) OVER o FROM ("
            "SELECT day, count(*) AS n, count(*) FILTER (event_type = 'content.viewed') AS content "
            "FROM message GROUP BY day) WINDOW o AS (ORDER BY day)"
        ).fetchall()
        fitting = [row for row in days if row[1] <= most] or days[:1]
        return Size(*(int(value) for value in fitting[-1]))

    def publish(self, size: Size) -> int:
        """Publish what Kafka does not have of it yet; returns how many.

        Raises ``Misconfigured`` where Kafka has more: topics kept from a larger run.
        """
        published = publishing.publish(self.db, GROUP, size.until_day)
        consumer = kafka.consumer(GROUP)
        [reached] = consumer.committed([TopicPartition(CONTENT.name, 0)], timeout=30)
        consumer.close()
        if reached.offset > size.until_day:
            raise Misconfigured(
                f"the topics hold more than {size.events} events: they were kept from a larger "
                "run. Unset LMS_BENCH_KEEP, or take LMS_BENCH_SIZES=1 and as many events as then",
                setting="LMS_BENCH_KEEP",
            )
        return published


@contextmanager
def mapped() -> Iterator[History]:
    path = Path(os.environ.get("LMS_BENCH_OULAD", SHARED if SHARED.is_dir() else SAMPLE))
    with locate(path) as source, opened(source) as db:
        history.map_history(db, DEFAULT_INSTITUTION)
        history.state_until(db, None)
        yield History(path, db)
