"""All jobs at once over what the topics hold: Flink's, the archive and the derivation.

The jobs' own SQL in one application, as ``learnstream jobs`` runs it, but bounded at the topics'
present end, so that its end can be seen; ``pipelines.archive`` and ``pipelines.derive`` are the
processes themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from bench.replay.gauge import Gauge
from bench.replay.ground import COMPONENT_NAMES
from bench.replay.history import Size
from contracts.errors import Retryable
from pipelines import application, cluster
from pipelines.job import catalogue
from stack.postgres import connect_analytics
from stack.profile import REPOSITORY, profile

NAME = "bench-stream"
TIMEOUT_S = 1200.0

_LOOK_S = 1.0
"""How often it is checked whether it is over: asking Flink costs it some milliseconds."""
_WAITING = """
SELECT string_agg(format('SELECT count(*) AS n FROM %I', relname), ' UNION ALL ')
FROM pg_class WHERE relkind = 'r' AND (relname = 'archive_batches' OR relname LIKE '%\\_due')
"""
"""The query that counts what the derivation still has to do: batches, rows, statistics due."""
_ARRIVED = "SELECT coalesce(sum(events), 0)::bigint FROM archive_arrivals"
_COUNTED = """
SELECT (SELECT sum(events) FROM course_activity_minute)::bigint,
       (SELECT sum(events) FROM course_activity_hour)::bigint,
       (SELECT sum(events) FROM course_activity_day)::bigint,
       (SELECT sum(events) FROM learner_tiles)::bigint,
       (SELECT sum(events) FROM item_tiles)::bigint,
       (SELECT content_events FROM derive_position)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds from the start until each was done, CPU seconds by role, memory at the peak."""

    flink_s: float
    archive_s: float
    complete_s: float
    cpu_s: dict[str, float]
    peak_mb: float
    others_share: float


def bounded(definitions: list[str]) -> list[str]:
    """The sources end where their topics end now."""
    start = "'scan.startup.mode' = 'earliest-offset'"
    return [
        text.replace(start, f"{start}, 'scan.bounded.mode' = 'latest-offset'")
        for text in definitions
    ]


def replay(size: Size) -> Measured:
    """From the start of Flink's job until nothing is due; the totals are checked."""
    jobs = list(catalogue().values())
    built = application.build(
        bounded(application.definitions(jobs)), application.streamed(jobs), name=NAME
    )
    with _process("pipelines.archive") as archive, _process("pipelines.derive") as derive:
        own = {"archive": archive.pid, "derive": derive.pid}
        gauge = Gauge(COMPONENT_NAMES, own)
        gauge.start()
        started = time.monotonic()
        job_id = application.start(built)
        flink_s = archive_s = 0.0
        with connect_analytics(autocommit=True) as connection:
            (waiting,) = connection.execute(_WAITING).fetchone() or ("",)
            left = f"SELECT sum(n) FROM ({waiting}) AS counts"
            while True:
                at = time.monotonic() - started
                if not flink_s and ended(job_id):
                    flink_s = at
                if not archive_s and _one(connection, _ARRIVED) == size.events:
                    archive_s = at
                if flink_s and archive_s and _one(connection, left) == 0:
                    break
                _still_alive(archive, derive)
                if at > TIMEOUT_S:
                    raise Retryable(f"not complete within {TIMEOUT_S:.0f} s")
                time.sleep(_LOOK_S)
            complete_s = time.monotonic() - started
            cpu_s = gauge.stop()
            _check(connection, size)
    return Measured(flink_s, archive_s, complete_s, cpu_s, gauge.peak_mb, gauge.others_share)


def ended(job_id: str) -> bool:
    """Raises ``Retryable`` where the job has failed."""
    state = cluster.state(job_id)
    if state in cluster.ENDED - {"FINISHED"}:
        raise Retryable(f"the job is {state}: {cluster.failure(job_id)}")
    return state == "FINISHED"


@contextmanager
def _process(module: str) -> Iterator[subprocess.Popen[bytes]]:
    log = profile().run / "logs" / f"{module}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _still_alive(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        if process.poll() is not None:
            raise Retryable(f"{process.args!r} has ended: see the logs of profile {profile().name}")


def _one(connection: Connection[Any], question: str) -> int:
    row = connection.execute(question.encode()).fetchone() or (0,)
    return int(row[0])


def _check(connection: Connection[Any], size: Size) -> None:
    counts = connection.execute(_COUNTED).fetchone() or ()
    stored = _one(connection, "SELECT count(*) FROM activity_events")
    if set(counts) != {size.content} or stored != size.events:
        raise Retryable(
            f"{size.events} events were published, {size.content} of them about content; stored "
            f"are {stored} and counted {counts}: this is no measurement"
        )
