"""Where the streaming jobs' parts begin: at the beginning of the topics, or where a rebuild ended.

What was before is in the tables as counted from the archive (part 0). It is written in the
transaction that puts a rebuilt table in its place, so nothing is counted twice and nothing not at
all, whatever dies in between; and it numbers the generations of the jobs' state: a state of an
earlier one counts what the archive has counted since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from stack import postgres

Offsets = Mapping[str, Mapping[str, int]]
"""Topic → partition (a text, as JSON has it) → the first offset that is counted."""


@dataclass(frozen=True, slots=True)
class Start:
    generation: int = 0
    offsets: Offsets = field(default_factory=dict)


def current() -> Start:
    """What the tables say; they have to be prepared."""
    with postgres.connect_analytics() as connection:
        row = connection.execute("SELECT generation, offsets FROM stream_start").fetchone()
    return Start(*row) if row else Start()


def move(connection: Connection[Any], offsets: Offsets) -> None:
    """From now on the jobs' parts begin at ``offsets``, with no state."""
    connection.execute(
        "INSERT INTO stream_start (generation, offsets) VALUES (1, %(offsets)s) "
        "ON CONFLICT (one) DO UPDATE SET generation = stream_start.generation + 1, "
        "offsets = EXCLUDED.offsets",
        {"offsets": Jsonb(offsets)},
    )
