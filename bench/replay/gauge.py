"""What the components use while a benchmark runs: CPU seconds by role, and memory together.

CPU time is what a loaded machine changes least; beside it stands what others took of the machine
meanwhile. Memory is the sum of proportional set sizes: pages that processes share count once.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import Connection

from contracts.errors import Retryable
from stack.local.record import recorded
from stack.postgres import connect_analytics

_SAMPLE_S = 1.0
_WEIGH_EVERY = 10
"""Samples between two weighings: one takes a tenth of a second from the components."""
_BACKENDS = """
SELECT pid, CASE WHEN application_name LIKE 'learnstream-%%' THEN substr(application_name, 13)
            WHEN application_name = 'PostgreSQL JDBC Driver' THEN 'flink'
            WHEN leader_pid IS NOT NULL THEN 'parallel'
            ELSE backend_type END
FROM pg_stat_activity
"""


class Gauge(threading.Thread):
    """Samples the components once a second from ``start()`` until ``stop()``."""

    def __init__(self, components: Sequence[str], own: Mapping[str, int]) -> None:
        """``components`` of the local stack by name, and processes of ours by name and pid."""
        super().__init__(daemon=True)
        self._roots = dict(own)
        for name in components:
            record = recorded(name)
            if record is None:
                raise Retryable(f"{name} does not run here")
            self._roots[name] = record.pid
        self._first: dict[int, float] = {}
        self._last: dict[int, tuple[str, float]] = {}
        self._roles: dict[int, str] = {}
        self._connection: Connection[Any] | None = None  # kept: making one costs a fork
        self._over = threading.Event()
        self._machine = _machine_s(), time.monotonic()
        self.peak_mb = 0.0
        self.others_share = 0.0
        """Of the machine's cores: what processes that are not ours used."""
        self._sample(weigh=True, begin=True)

    def run(self) -> None:
        number = 0
        while not self._over.wait(_SAMPLE_S):
            number += 1
            self._sample(weigh=number % _WEIGH_EVERY == 0)

    def stop(self) -> dict[str, float]:
        """CPU seconds by role since the beginning."""
        self._over.set()
        self.join()
        self._sample(weigh=True)
        if self._connection:
            self._connection.close()
        used: dict[str, float] = defaultdict(float)
        for pid, (role, seconds) in self._last.items():
            used[role] += seconds - self._first.get(pid, 0.0)
        busy_s, at = _machine_s(), time.monotonic()
        cores_s = (at - self._machine[1]) * (os.cpu_count() or 1)
        self.others_share = max(0.0, busy_s - self._machine[0] - sum(used.values())) / cores_s
        return dict(used)

    def _sample(self, weigh: bool, begin: bool = False) -> None:
        weight = 0.0
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect_analytics(autocommit=True, connect_timeout=2)
            self._roles |= dict(self._connection.execute(_BACKENDS).fetchall())
        except psycopg.OperationalError:
            pass  # the roles stay as they were known
        for name, root in self._roots.items():
            for process in _family(root):
                try:
                    times = process.cpu_times()
                    seconds = times.user + times.system
                    role = name
                    if name == "postgres":
                        role = f"postgres {self._roles.get(process.pid, 'other')}"
                    if begin:
                        self._first[process.pid] = seconds
                    self._last[process.pid] = role, seconds
                    if weigh:
                        weight += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
        self.peak_mb = max(self.peak_mb, weight / 1e6)


def _family(root: int) -> list[psutil.Process]:
    """The process and what its first thread has started: PostgreSQL's backends. No other component
    starts any, and a search of all processes of the machine would be a load itself."""
    try:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        children = []
    found = []
    for pid in (root, *map(int, children)):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            found.append(psutil.Process(pid))
    return found


def _machine_s() -> float:
    used = psutil.cpu_times()
    return float(used.user + used.nice + used.system + used.irq + used.softirq)
