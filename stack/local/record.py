"""Which process a component is: a pid may be another's tomorrow, so its start time is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from stack.profile import profile


@dataclass(frozen=True, slots=True)
class Record:
    """A component that is wanted: its process, and how often it had to be started again.

    The file is there from the first start until ``down``: that is what "wanted" means.
    """

    name: str
    pid: int
    created: float
    """The kernel's start time of the process, in seconds since the epoch."""
    restarts: int = 0
    jobs_restored: bool = True
    """False while a restarted JobManager waits for its jobs."""

    @property
    def started_at(self) -> datetime:
        return datetime.fromtimestamp(self.created, UTC)

    def process(self) -> psutil.Process | None:
        """The live process, or None: gone, a zombie, or a stranger who got the same pid."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            # The clock may have been set meanwhile; a reused pid differs by far more.
            return process if abs(process.create_time() - self.created) < 2 else None
        except psutil.NoSuchProcess:
            return None

    def write(self) -> None:
        path = _path(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(path)

    def remove(self) -> None:
        _path(self.name).unlink(missing_ok=True)

    def with_jobs_restored(self) -> Record:
        return replace(self, jobs_restored=True)


def _path(name: str) -> Path:
    return profile().run / "pids" / f"{name}.json"


def recorded(name: str) -> Record | None:
    """What is recorded of one component; None when it is not wanted or its file is unreadable."""
    try:
        return Record(**json.loads(_path(name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def all_recorded() -> Iterator[Record]:
    """Every component that is wanted, by name."""
    for path in sorted((profile().run / "pids").glob("*.json")):
        record = recorded(path.stem)
        if record is not None:
            yield record


def group_members(pgid: int) -> list[psutil.Process]:
    """The live processes of a process group: what a dead leader may have left behind."""
    members = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == pgid and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process)
        except ProcessLookupError:
            continue
    return members
