"""The offsets from which the streaming jobs count: where Kafka begins, or where a rebuild ended.

Earlier events are in the tables as partial sum 0, counted from the archive. The offsets are written
in the transaction that swaps a rebuilt table in, so no event is counted twice or left out, whatever
fails in between. They also number the generations of the jobs' state: a state of an earlier one has
counted events that the archive has counted since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import TopicPartition
from psycopg import Connection
from psycopg.types.json import Jsonb

from stack import kafka, postgres

Offsets = Mapping[str, Mapping[str, int]]
"""Topic → partition (a text, as JSON has it) → the first offset that is counted."""


@dataclass(frozen=True, slots=True)
class Start:
    generation: int = 0
    offsets: Offsets = field(default_factory=dict)


def current() -> Start:
    """The start recorded in the database, which has to be prepared."""
    with postgres.connect_analytics() as connection:
        row = connection.execute("SELECT generation, offsets FROM stream_start").fetchone()
    return Start(*row) if row else Start()


def expired(begin: Start, topics: Iterable[str]) -> str | None:
    """A partition of which Kafka no longer has all messages from ``begin`` on; None: it has all.

    Raises ``Retryable`` where Kafka does not answer.
    """
    with closing(kafka.consumer("start")) as consumer:
        for topic, number in kafka.places(*topics, client=consumer):
            low, _ = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            if low > begin.offsets.get(topic, {}).get(str(number), 0):
                return f"{topic}/{number}"
    return None


def record(connection: Connection[Any], offsets: Offsets) -> None:
    """From now on the jobs count from ``offsets``, with no state."""
    connection.execute(
        "INSERT INTO stream_start (generation, offsets) VALUES (1, %(offsets)s) "
        "ON CONFLICT (one) DO UPDATE SET generation = stream_start.generation + 1, "
        "offsets = EXCLUDED.offsets",
        {"offsets": Jsonb(offsets)},
    )
