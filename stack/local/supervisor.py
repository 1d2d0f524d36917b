"""Bring dead components back: a loop that compares what is wanted with what lives."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.errors import LearnstreamError
from stack import cli
from stack.local import lifecycle
from stack.local.catalogue import COMPONENTS
from stack.local.component import Component
from stack.local.record import all_recorded, recorded
from stack.local.stack import SUPERVISOR
from stack.profile import REPOSITORY, profile

_LOOK_EVERY_S = 0.5
_LONGEST_WAIT_S = 30.0
_STABLE_AFTER_S = 60.0


@dataclass
class Watch:
    """How long to wait before the next try: nothing after a long life, ever longer after short."""

    failures: int = 0
    last_start: float = 0.0
    next_try: float = 0.0

    def died(self, now: float) -> None:
        """Called once per death; ``now`` is monotonic, in seconds."""
        if now - self.last_start > _STABLE_AFTER_S:
            self.failures = 0
        wait = 0.0 if self.failures == 0 else min(_LONGEST_WAIT_S, 2.0 ** (self.failures - 1))
        self.failures += 1
        self.next_try = now + wait


class Supervisor:
    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._known_dead: set[int] = set()
        self._children: list[subprocess.Popen[bytes]] = []
        self._restoring: subprocess.Popen[bytes] | None = None
        self._restore_watch = Watch()
        self._ended = threading.Event()

    def run(self) -> None:
        """Watch until SIGTERM, or until nothing is wanted any more."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.set())
        _say("watching")
        idle_since: float | None = None
        while not self._ended.wait(_LOOK_EVERY_S):
            if any(record.name != SUPERVISOR for record in all_recorded()):
                idle_since = None
            elif idle_since is None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > 10:
                break
            self.check()
        _say("ended")

    def check(self) -> None:
        """One round: reap, shorten logs, restart what is dead, give a new JobManager its jobs."""
        self._children = [child for child in self._children if child.poll() is None]
        for record in all_recorded():
            component = COMPONENTS.get(record.name)
            if component is None:
                continue
            lifecycle.shorten(component.log_path)
            if record.process() is None:
                self._heal(component)
            elif not record.jobs_restored:
                self._restore_jobs(component)

    def _heal(self, component: Component) -> None:
        watch = self._watches.setdefault(component.name, Watch())
        with lifecycle.lock(component.name, wait=False) as free:
            record = recorded(component.name)
            # Somebody starting or stopping it holds the lock, or has just finished.
            if not free or record is None or record.process() is not None:
                return
            now = time.monotonic()
            if record.pid not in self._known_dead:
                self._known_dead.add(record.pid)
                watch.died(now)
                wait_s = watch.next_try - now
                _say(f"{component.name} (pid {record.pid}) is dead, starting it in {wait_s:.1f} s")
            if now < watch.next_try:
                return
            watch.last_start = now
            try:
                lifecycle.kill_leftovers(record)
                process = lifecycle.spawn(component, restarts=record.restarts + 1)
            except (OSError, LearnstreamError) as error:
                watch.died(now)
                _say(f"{component.name} cannot be started: {error}")
                return
            self._known_dead.discard(record.pid)
            self._children.append(process)
            count = record.restarts + 1
            _say(f"{component.name} started again as pid {process.pid} (restart {count})")

    def _restore_jobs(self, component: Component) -> None:
        if "jobs" not in cli.commands():
            return
        now = time.monotonic()
        if self._restoring is None:
            cluster_is_back = component.ready() and COMPONENTS["taskmanager"].ready()
            if cluster_is_back and now >= self._restore_watch.next_try:
                self._restoring = lifecycle.detached(
                    [sys.executable, "-m", "stack.cli", "jobs", "restore"],
                    profile().run / "logs" / f"{SUPERVISOR}.log",
                    {"PYTHONPATH": str(REPOSITORY)},
                    REPOSITORY,
                )
                _say("the JobManager is back, restoring its jobs")
            return
        status = self._restoring.poll()
        if status is None:
            return
        self._restoring = None
        if status == 0:
            self._restore_watch = Watch()
            with lifecycle.lock(component.name):
                record = recorded(component.name)
                if record is not None:
                    record.with_jobs_restored().write()
            _say("jobs are restored")
        else:
            self._restore_watch.died(now)
            _say(f"restoring jobs failed with status {status}, trying again")


def _say(sentence: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(f"{now} {sentence}\n")
    sys.stdout.flush()
