"""A job that comes, changes and goes, and a process that is killed while it submits.

``python -m tests.pipelines.coming VERSION STEP ACTION [NAME…]`` runs ``operation.ACTION`` in an
installation that has the job in this version, and kills itself after ``STEP`` (``none``: not).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.topics import ASSESSMENTS, CONTENT
from pipelines import application, job, operation, rebuild
from pipelines.derive.tables import Table
from pipelines.job import Job
from stack.profile import REPOSITORY

NAME = "course_work"
_SQL = """
INSERT INTO course_work
SELECT bucket_at, institution_id, course_id, part, SUM(events) AS events, SUM(done) AS done
FROM (
  SELECT SUBSTRING(`timestamp`, 1, {length}) || '{rest}' AS bucket_at, institution_id, course_id,
         part, weight AS events, CAST(0 AS BIGINT) AS done
  FROM content_events
  UNION ALL
  SELECT SUBSTRING(`timestamp`, 1, {length}) || '{rest}', institution_id, course_id, part, 0, weight
  FROM assessments_events WHERE event_type = 'assessment.submitted'
)
GROUP BY bucket_at, institution_id, course_id, part
"""
VERSIONS = {"day": ("10", "T00:00:00Z"), "hour": ("13", ":00:00Z")}
"""By the length of a bucket: how much of a timestamp's text it is, and what follows."""
STEPS = ("counted", "stopped", "swapped", "recorded")


@dataclass(frozen=True)
class Changed(Job):
    """A job with other statements than those of a file."""

    other: tuple[str, ...] = ()

    def statements(self) -> list[str]:
        return list(self.other)


def course_work(version: str) -> Job:
    """Events of two topics per course and bucket."""
    length, rest = VERSIONS[version]
    table = Table(
        NAME,
        "events about content and submissions per course, in partial sums",
        """
            bucket_at timestamptz NOT NULL
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            part bigint NOT NULL
            events bigint NOT NULL  -- all events
            done bigint NOT NULL  -- submissions
        """,
        key=("bucket_at", "institution_id", "course_id", "part"),
        time="bucket_at",
    )
    text = _SQL.strip().replace("{length}", length).replace("{rest}", rest)
    return Changed(NAME, "work per course", (CONTENT, ASSESSMENTS), (table,), other=(text,))


def catalogue(version: str) -> Callable[[], dict[str, Job]]:
    """``course_activity``, and the job in this version beside it."""
    known = job.catalogue()["course_activity"]
    return lambda: {known.name: known, NAME: course_work(version)}


def killed(version: str, step: str, action: str, *names: str) -> subprocess.Popen[str]:
    """A process that does it, and is killed on the way."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.pipelines.coming", version, step, action, *names],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)
        _die()

    return wrapped


def main(version: str, step: str, action: str, *names: str) -> None:
    job.catalogue = catalogue(version)
    if step == "counted":
        operation._stop_if_running = _die
    elif step == "stopped":
        operation._stop_if_running = _after(operation._stop_if_running)
    elif step == "swapped":
        rebuild.count = _after(rebuild.count)
    elif step == "recorded":
        application.submit = _die
    print(getattr(operation, action)(names) if names else getattr(operation, action)())


if __name__ == "__main__":
    main(*sys.argv[1:])
