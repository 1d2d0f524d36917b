"""Where the events that everything is compared with begin: in Kafka, or in the archive before it.

Kafka keeps messages for ``LMS_KAFKA_RETENTION_DAYS``. Where its first ones are gone, the archive's
rows up to a mark (migration 0037) take their place, and Kafka is read from the mark's offsets on:
every event is one or the other. The mark is the oldest from which Kafka has all that followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import duckdb
import psycopg
from confluent_kafka import KafkaException, TopicPartition

from contracts.errors import Retryable
from contracts.topics import EVENT_TOPICS
from pipelines.verify import tables
from pipelines.verify.messages import AS_JSON
from stack import kafka
from stack.queries import load as load_sql

_SQL = load_sql(__file__, "beginning.sql")


@dataclass(frozen=True, slots=True)
class Beginning:
    """``batch_no`` of the archive up to which its rows count; None: Kafka has everything."""

    batch_no: int | None = None
    offsets: Mapping[kafka.Place, int] = field(default_factory=dict)
    arrived: Mapping[str, int] = field(default_factory=dict)


def find(analytics: psycopg.Connection[Any]) -> Beginning:
    """Raises ``Retryable`` where Kafka does not answer."""
    low = _low()
    if not any(low.values()):
        return Beginning()
    for statement in ("marks", "now"):  # at worst all that is archived
        for batch_no, offsets, arrived in analytics.execute(_SQL[statement].encode()).fetchall():
            found = {
                (topic, int(number)): offset
                for topic, places in offsets.items()
                for number, offset in places.items()
            }
            if statement == "now" or all(found.get(place, 0) >= at for place, at in low.items()):
                return Beginning(batch_no, found, arrived)
    raise AssertionError("the archive always stands somewhere")


def load(
    db: duckdb.DuckDBPyConnection, analytics: psycopg.Connection[Any], beginning: Beginning
) -> None:
    """Put the archive's rows up to the beginning where Kafka's messages will be."""
    if beginning.batch_no is None:
        return
    for kind in ("event", "payload"):
        query = _SQL[f"archived_{kind}"].replace("{batch_no}", str(beginning.batch_no))
        tables.load(db, analytics, query, f"archived_{kind}")
        db.execute(_SQL[f"insert_{kind}"].replace("{payload}", AS_JSON))
        db.execute(f"DROP TABLE archived_{kind}")
    counted = db.execute("SELECT topic, count(*) FROM kafka_event GROUP BY topic").fetchall()
    rows = [[topic, events, beginning.arrived.get(topic, events)] for topic, events in counted]
    if rows:
        db.executemany("INSERT INTO before_kafka VALUES (?, ?, ?)", rows)


def _low() -> dict[kafka.Place, int]:
    """The first offset that Kafka has of each partition."""
    with closing(kafka.consumer("verify-beginning")) as consumer:
        try:
            return {
                place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[0]
                for place in kafka.places(*(topic.name for topic in EVENT_TOPICS), client=consumer)
            }
        except KafkaException as error:
            raise Retryable(f"Kafka does not say where its topics begin: {error}") from error
