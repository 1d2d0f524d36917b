"""What is known about the streaming jobs as they run: in the database, for whoever may submit.

Who submits holds one lock of the analytical database and writes over the connection that holds it:
whoever has lost the connection, and with it the lock, cannot write any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from contracts.errors import Retryable
from pipelines import job as stream
from pipelines import schema
from stack import postgres
from stack.profile import profile

_LOCK = 0x4C53_0007  # one submission at a time; any constant no other lock of ours uses
_READ = "SELECT wanted, job_id, begun_from, stopped_at, jobs, states FROM stream_application"
_WRITE = """
INSERT INTO stream_application (wanted, job_id, begun_from, stopped_at, jobs, states)
VALUES (%(wanted)s, %(job_id)s, %(begun_from)s, %(stopped_at)s, %(jobs)s, %(states)s)
ON CONFLICT (one) DO UPDATE SET wanted = EXCLUDED.wanted, job_id = EXCLUDED.job_id,
    begun_from = EXCLUDED.begun_from, stopped_at = EXCLUDED.stopped_at, jobs = EXCLUDED.jobs,
    states = EXCLUDED.states
"""


@dataclass(frozen=True, slots=True)
class Record:
    """``wanted`` None means every job there is; ``begun_from`` is what ``job_id`` began at.

    ``jobs`` are those that it has: of each its ``generation`` (``pipelines.start``) and the
    ``fingerprint`` of all that Flink runs for it. ``states`` are those of its plan. ``stopped_at``
    is when it was last stopped.
    """

    wanted: tuple[str, ...] | None = None
    job_id: str | None = None
    begun_from: str | None = None
    stopped_at: datetime | None = None
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    states: Mapping[str, Any] | None = None

    def wants(self) -> list[stream.Job]:
        known = stream.catalogue()
        return [known[name] for name in known if self.wanted is None or name in self.wanted]


def read(connection: Connection[Any] | None = None) -> Record:
    """What is recorded; nothing where the database has not been prepared."""
    if connection is None:
        with postgres.connect_analytics(autocommit=True, connect_timeout=5) as own:
            return read(own)
    try:
        row = connection.execute(_READ).fetchone()
    except psycopg.errors.UndefinedTable:
        return Record()
    return Record(None if row[0] is None else tuple(row[0]), *row[1:]) if row else Record()


def write(connection: Connection[Any], new: Record) -> None:
    """The caller holds ``exclusive``, whose connection this is."""
    connection.execute(
        _WRITE,
        {
            "wanted": None if new.wanted is None else list(new.wanted),
            "job_id": new.job_id,
            "begun_from": new.begun_from,
            "stopped_at": new.stopped_at,
            "jobs": Jsonb(new.jobs),
            "states": None if new.states is None else Jsonb(new.states),
        },
    )


@contextmanager
def exclusive() -> Iterator[Connection[Any]]:
    """One submission at a time, whatever machine it is on: two would be two applications.

    Raises ``Retryable`` where the database does not answer.
    """
    schema.prepare()
    try:
        connection = postgres.connect_analytics(
            autocommit=True, application_name="learnstream-jobs"
        )
    except psycopg.OperationalError as error:
        raise Retryable(f"the analytical database does not answer: {error}") from error
    with connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        _move_over(connection)
        yield connection


def _move_over(connection: Connection[Any]) -> None:
    """What earlier versions kept in a file of this machine: read once.

    Its states have other names now, so the jobs count again from their starts.
    """
    path = profile().run / "jobs.json"
    if not path.exists():
        return
    found = json.loads(path.read_text())
    with connection.transaction():
        if connection.execute(_READ).fetchone() is None:
            wanted, stopped_at = found.get("wanted"), found.get("stopped_at")
            write(
                connection,
                Record(
                    None if wanted is None else tuple(wanted),
                    found.get("job_id"),
                    stopped_at=stopped_at and datetime.fromtimestamp(stopped_at, UTC),
                ),
            )
            if plan := found.get("plan"):
                # The one job that there was.
                connection.execute(
                    "UPDATE job_starts SET statements = %s, part_s = %s WHERE statements IS NULL",
                    [Jsonb(plan["tables"]), plan["part_s"]],
                )
    path.unlink()
