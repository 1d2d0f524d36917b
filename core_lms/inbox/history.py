"""What a new consumer has missed, from the archive: Kafka keeps messages for a time only.

The archive's rows up to a batch are the messages before the offsets at which it stood then (the
analytical database has both in one transaction). So the rows are applied in their order, like the
messages of one more partition, and then Kafka from those offsets on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from contracts.errors import Retryable
from core_lms.inbox.batches import Record
from core_lms.inbox.waits import Partition
from stack.postgres import connect_analytics
from stack.queries import load

PARTITION = -1
"""Of the positions: how many of the archive's rows were applied."""

_sql = load(__file__, "history.sql")


@dataclass(frozen=True, slots=True)
class Cut:
    """One moment of the archive: all before ``offsets`` is in it, in batches up to ``upto``."""

    upto: int
    offsets: dict[Partition, int]


def cut() -> Cut:
    """As it stands now. Blocks. Raises ``Retryable`` where the archive is away."""
    try:
        with connect_analytics(connect_timeout=5) as connection:
            row = connection.execute(_sql["cut"]).fetchone()
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        raise Retryable(
            f"the archive cannot be asked for what Kafka no longer has: {error}"
        ) from error
    assert row is not None
    return Cut(row[0], {(topic, number): offset for topic, number, offset in row[1] or ()})


def records(
    topic: str, types: Collection[str], upto: int, after: int, most: int
) -> Iterator[list[Record]]:
    """The rows behind the first ``after``, at most ``most`` at once. Blocks.

    Raises ``Retryable`` where the archive is away.
    """
    values: dict[str, Any] = {"topic": topic, "types": list(types), "upto": upto, "after": after}
    try:
        with connect_analytics(connect_timeout=5) as connection, connection.cursor("rows") as rows:
            rows.itersize = most
            rows.execute(_sql["rows"], values)
            while found := rows.fetchmany(most):
                messages = [json.dumps(envelope).encode() for (envelope,) in found]
                yield [  # nobody is notified of what was before Kafka's first message
                    Record(topic, PARTITION, after + number, value, history=True)
                    for number, value in enumerate(messages)
                ]
                after += len(found)
    except psycopg.OperationalError as error:
        raise Retryable(f"the archive is away: {error}") from error
