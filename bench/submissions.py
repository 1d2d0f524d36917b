"""How long does submitting all Flink jobs take, and how long do they pause while they change?

Starts its own components (``bench/replay/ground.py``), submits all jobs and then cancels one after
another, which submits those that are left from a savepoint: each time by a process of its own, as
an operator does. ``paused`` is from the end of the application before to the moment when all tasks
of the next one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import psutil

from bench.replay import ground
from pipelines import cluster, operation
from pipelines.job import catalogue
from stack.profile import REPOSITORY

CHANGES = 3


def run() -> dict[str, float | int]:
    changes, pauses = [], []
    with ground.own_stack():
        ground.fresh_database()
        names = list(catalogue())
        first_s = _jobs("submit")
        for name in names[:CHANGES]:
            before = operation.read().job_id or ""
            changes.append(_jobs("cancel", name))
            pauses.append(time.time() - cluster.ended_at(before))
    return {
        "jobs": len(names),
        "first_s": round(first_s, 1),
        "changed_s": round(statistics.median(changes), 1),
        "paused_s": round(statistics.median(pauses), 1),
        "load": round(psutil.getloadavg()[0], 1),
    }


def _jobs(*words: str) -> float:
    """Seconds that ``learnstream jobs`` took with these words."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "stack.cli", "jobs", *words],
        stdout=subprocess.DEVNULL,
        check=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    return time.monotonic() - began
