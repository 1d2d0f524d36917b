"""From where each streaming job counts: the beginning of its topics, or where a rebuild ended.

What is before is in the job's tables as partial sum 0, counted from the archive. A start is written
in the transaction that swaps counted rows in, so no event is counted twice or left out, whatever
fails in between. It also numbers the generations of the job's state: a state of an earlier one has
counted events that the archive has counted since. No two jobs have the same generation, so Flink
never takes sums of two jobs for one.
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
from stack.flink import FlinkSettings

Offsets = Mapping[str, Mapping[str, int]]
"""Topic → partition (a text, as JSON has it) → the first offset that is counted."""

_RECORD = """
INSERT INTO job_starts (job, generation, offsets, statements, part_s, fresh)
VALUES (%(job)s, (SELECT coalesce(max(generation) + 1, 0) FROM job_starts), %(offsets)s,
        %(statements)s, %(part_s)s, true)
ON CONFLICT (job) DO UPDATE SET generation = EXCLUDED.generation, offsets = EXCLUDED.offsets,
    statements = EXCLUDED.statements, part_s = EXCLUDED.part_s, fresh = true, counted_at = now()
"""


@dataclass(frozen=True, slots=True)
class Start:
    """``statements`` (table → digest) and ``part_s`` made the rows; None where that is not known.

    ``fresh``: no application was submitted since; it may start without state.
    """

    generation: int = 0
    offsets: Offsets = field(default_factory=dict)
    statements: Mapping[str, str] | None = None
    part_s: int | None = None
    fresh: bool = False

    def differences(self, statements: Mapping[str, str]) -> list[str]:
        """Why what is counted now does not go on with the rows that there are."""
        found = []
        for table, digest in statements.items() if self.statements is not None else ():
            if table not in (self.statements or {}):
                found.append(f"{table} is new: it would lack what was counted before")
            elif (self.statements or {})[table] != digest:
                found.append(f"{table} is made by another statement than its rows were")
        part_s = FlinkSettings().part_s
        if self.part_s not in (None, part_s):
            found.append(
                f"a partial sum spans {part_s} s of arrival and spanned {self.part_s} s "
                "(LMS_FLINK_STATE_TTL_H)"
            )
        return found


def current(connection: Connection[Any] | None = None) -> dict[str, Start]:
    """The starts by job as the database, which has to be prepared, has them."""
    if connection is None:
        with postgres.connect_analytics() as own:
            return current(own)
    return {
        job: Start(*rest)
        for job, *rest in connection.execute(
            "SELECT job, generation, offsets, statements, part_s, fresh FROM job_starts"
        )
    }


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


def record(
    connection: Connection[Any],
    job: str,
    offsets: Offsets,
    statements: Mapping[str, str],
) -> None:
    """From now on the job counts from ``offsets``, with no state; ``statements`` as ``Start``."""
    connection.execute(
        _RECORD,
        {
            "job": job,
            "offsets": Jsonb(offsets),
            "statements": Jsonb(statements),
            "part_s": FlinkSettings().part_s,
        },
    )


def submitted(connection: Connection[Any], statements: Mapping[str, Mapping[str, str]]) -> None:
    """An application of these jobs is about to be submitted; ``statements`` by job as ``record``.

    A job that it leaves out lacks what comes from now on: it can go on no more.
    """
    connection.execute("UPDATE job_starts SET fresh = false")
    for job, made in statements.items():
        connection.execute(
            "UPDATE job_starts SET statements = %s, part_s = %s WHERE job = %s",
            [Jsonb(made), FlinkSettings().part_s, job],
        )
