"""Start and stop one component: its process, its record, its log."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from contracts.errors import Retryable
from stack import tls
from stack.local import authority
from stack.local.component import Component, private
from stack.local.record import Record, group_members, recorded
from stack.profile import profile

_LOG_LIMIT_BYTES = 50_000_000


@contextmanager
def lock(name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the profile's lock NAME; yields False where somebody has it and ``wait`` is off."""
    private(profile().run)
    folder = private(profile().run / "pids")
    with (folder / f".{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def spawn(component: Component, *, restarts: int = 0) -> subprocess.Popen[bytes]:
    """Start the component's process in a session of its own (it outlives terminal and caller)."""
    for kind in ("data", "conf", "logs"):
        private(profile().run / kind)
    if tls.is_local():
        authority.issue(component.name)
    component.prepare()
    for folder in (component.data, component.conf):
        if folder.exists():
            private(folder)
    launch = component.launch()
    process = detached(launch.argv, component.log_path, launch.env, launch.folder)
    if component.niceness():
        _stand_back(process.pid, component.niceness())
    created = psutil.Process(process.pid).create_time()
    jobs_restored = not (restarts and component.name == "jobmanager")
    Record(component.name, process.pid, created, restarts, jobs_restored).write()
    return process


def _stand_back(pid: int, niceness: int) -> None:
    """Let the process, which leads a session and a group, have less of cores that are busy."""
    # The process may have ended, which will be noticed, and not every kernel has sessions share
    # the cores first (sched(7), autogroup): where it does, the session's number is what counts.
    with suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def detached(
    argv: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """A process without terminal that writes to ``log`` and leads its own session and group."""
    private(log.parent)
    log.touch(mode=0o600)
    log.chmod(0o600)  # one of before, too
    shorten(log)
    root = {"LMS_LOCAL_ROOT": str(profile().root.resolve())}
    with log.open("ab") as output:
        return subprocess.Popen(
            list(map(str, argv)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder or profile().run,
            umask=0o077,
            env={**os.environ, **root, **(env or {})},
        )


def shorten(log: Path) -> None:
    """Keep one old log of at most 50 MB: what runs for weeks must not fill the disk.

    The writers append, so truncating in place is safe while they run.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def wait_until_ready(component: Component, given_up: threading.Event) -> None:
    """Return when the component answers; raises Retryable with its log's tail when it will not.

    ``given_up`` ends the wait at once: another component has failed, or the user wants no more.
    """
    deadline = time.monotonic() + component.start_timeout_s
    while not component.ready():
        record = recorded(component.name)
        if record is None or record.process() is None:
            raise Retryable(
                f"{component.name} ended while it was starting\n{tail(component.log_path)}"
            )
        if time.monotonic() > deadline:
            raise Retryable(
                f"{component.name} did not answer within {component.start_timeout_s:.0f} s"
                f"\n{tail(component.log_path)}"
            )
        if given_up.wait(0.1):
            raise Retryable(f"{component.name} was not waited for")


def start(component: Component, given_up: threading.Event) -> None:
    """Start the component and wait until it can be used; one that fails is stopped again."""
    with lock(component.name):
        previous = recorded(component.name)
        if previous is not None:
            kill_leftovers(previous)
        try:
            spawn(component)
            wait_until_ready(component, given_up)
            component.once_ready()
        except BaseException:
            _end(component)
            raise


def stop(component: Component) -> bool:
    """End the component and all its children, gracefully first; False when it was not wanted."""
    with lock(component.name):
        return _end(component)


def _end(component: Component) -> bool:
    record = recorded(component.name)
    if record is None:
        return False
    end_process(record, component.stop_signal, component.stop_timeout_s)
    record.remove()
    return True


def end_process(record: Record, gently: signal.Signals, timeout_s: float) -> None:
    """Signal the process, wait, then kill it and what is left of its group."""
    process = record.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(gently)
            try:
                process.wait(timeout_s)
            except psutil.TimeoutExpired:
                process.kill()
    kill_leftovers(record)


def kill_leftovers(record: Record) -> None:
    """Kill the dead leader's children and wait until they are gone.

    The kernel gives nobody the pid while a group of that number lives: these are ours, unless
    the pid itself runs again, which proves that our group had ended.
    """
    if record.process() is None and _is_running(record.pid):
        return
    left = group_members(record.pid)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for the sentence that says why a component did not start."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(it wrote no log)"
    return f"{log}:\n" + "\n".join(text.splitlines()[-lines:])
