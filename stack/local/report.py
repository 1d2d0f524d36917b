"""What can be said of each component now."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from stack.local import stack
from stack.local.catalogue import COMPONENTS
from stack.local.component import Component
from stack.local.record import Record, recorded
from stack.profile import profile


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """``state``: ready (answers), alive (runs, does not answer yet), dead (wanted), stopped."""

    name: str
    state: str
    address: str
    version: str
    pid: int | None = None
    uptime_s: float | None = None
    memory_mb: int | None = None
    """Proportional share of the process and its children, in MiB."""
    restarts: int = 0
    log: str = ""


def statuses() -> list[ComponentStatus]:
    """All components in catalogue order, then the supervisor."""
    with ThreadPoolExecutor(len(COMPONENTS)) as pool:
        found = list(pool.map(_status, COMPONENTS.values()))
    return [*found, _supervisor()]


def _status(component: Component) -> ComponentStatus:
    record = recorded(component.name)
    process = record.process() if record else None
    address, version, log = component.address(), component.version(), str(component.log_path)
    if record is None:
        return ComponentStatus(component.name, "stopped", address, version, log=log)
    if process is None:
        return ComponentStatus(
            component.name, "dead", address, version, None, None, None, record.restarts, log
        )
    state = "ready" if component.ready() else "alive"
    return _running(record, state, address, version, log)


def _supervisor() -> ComponentStatus:
    log = str(profile().run / "logs" / f"{stack.SUPERVISOR}.log")
    record = recorded(stack.SUPERVISOR)
    if record is None:
        return ComponentStatus(stack.SUPERVISOR, "stopped", "-", "-", log=log)
    if record.process() is None:
        return ComponentStatus(stack.SUPERVISOR, "dead", "-", "-", log=log)
    return _running(record, "ready", "-", "-", log)


def _running(record: Record, state: str, address: str, version: str, log: str) -> ComponentStatus:
    uptime_s = round(time.time() - record.created, 1)
    # What the supervisor started again are its children, and components of their own.
    memory_mb = _memory_mb(record, with_children=record.name != stack.SUPERVISOR)
    return ComponentStatus(
        record.name, state, address, version, record.pid, uptime_s, memory_mb, record.restarts, log
    )


def _memory_mb(record: Record, *, with_children: bool) -> int:
    """Shared pages counted once (PSS): PostgreSQL's processes share most of theirs."""
    total = 0
    process = record.process()
    with suppress(psutil.Error):
        if process is not None:
            children = process.children(recursive=True) if with_children else []
            total = sum(map(_pss_bytes, [process, *children]))
    return total // (1024 * 1024)


def _pss_bytes(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        with suppress(psutil.Error):
            return int(process.memory_info().rss)
        return 0
