"""Bring many components up or down together: in stages, in parallel, all or nothing."""

from __future__ import annotations

import io
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import groupby

import psutil

from contracts.errors import LearnstreamError, Misconfigured, Retryable
from stack import cli, tls
from stack.local import lifecycle, ports
from stack.local.catalogue import COMPONENTS
from stack.local.component import Component
from stack.local.progress import Board
from stack.local.record import Record, recorded
from stack.profile import REPOSITORY, profile

SUPERVISOR = "supervisor"
_FREE_DISK_MB = 2_000
_LETTING_GO_S = 10.0


def is_alive(component: Component) -> bool:
    """Whether its recorded process lives; it may not answer yet."""
    record = recorded(component.name)
    return record is not None and record.process() is not None


def up(components: Sequence[Component]) -> list[str]:
    """Start what is not running of ``components``; returns the names that were started.

    On any failure, or an interrupt, what this call started is stopped again.
    """
    with lifecycle.lock("stack", wait=False) as free:
        if not free:
            sys.stderr.write("learnstream up: another up or down is at work here, waiting\n")
    with lifecycle.lock("stack"):
        _require_same_addresses()
        missing = [
            component for component in components if not (is_alive(component) and component.ready())
        ]
        if missing:
            _start(missing)
        _ensure_supervisor()
        return [component.name for component in missing]


def _require_same_addresses() -> None:
    """A profile that is up listens where it was started: elsewhere it would seem to be dead."""
    wanted = {
        "LMS_LOCAL_PORT_OFFSET": ("port_offset", str(profile().port_offset)),
        "LMS_TLS": ("tls_mode", tls.TlsSettings().mode),
    }
    profile().run.mkdir(parents=True, exist_ok=True)
    alive = any(is_alive(component) for component in COMPONENTS.values())
    for setting, (name, now) in wanted.items():
        remembered = profile().run / name
        before = remembered.read_text(encoding="utf-8") if remembered.exists() else now
        if before != now and alive:
            raise Misconfigured(
                f"profile {profile().name} is up with {setting}={before}: set that, or run "
                "learnstream down first, or choose another LMS_LOCAL_NAME"
            )
        remembered.write_text(now, encoding="utf-8")


def _start(components: Sequence[Component]) -> None:
    dead = [component for component in components if not is_alive(component)]
    _require_room(dead)
    _require_ports(dead)
    started: list[Component] = []
    given_up = threading.Event()
    with Board("up") as board:
        _in_parallel(
            [component for component in dead if not component.is_installed()],
            lambda component: component.install(lambda doing: board.say(component.name, doing)),
        )

        def bring(component: Component) -> None:
            began = time.monotonic()
            board.say(component.name, "starting")
            if is_alive(component):
                # The supervisor or another caller has just started it.
                lifecycle.wait_until_ready(component, given_up)
            else:
                started.append(component)
                lifecycle.start(component, given_up)
            board.say(component.name, f"ready after {time.monotonic() - began:.1f} s", done=True)

        try:
            for stage, members in groupby(sorted(components, key=_stage), key=_stage):
                if stage > 0:
                    _set_up(board)
                _in_parallel(list(members), bring, given_up)
            if any(component.name == "jobmanager" for component in started):
                _restore_jobs(board)
        except BaseException:
            board.say("stack", "stopping what was started")
            _stop(started)
            raise


def _stage(component: Component) -> int:
    return component.stage


def _set_up(board: Board) -> None:
    """Topics and tables before those who use them; idempotent and quick."""
    _call(board, "setup", "preparing topics and tables", "setup")


def _restore_jobs(board: Board) -> None:
    """A standalone JobManager forgets its jobs: those that should run are submitted again.

    A job that cannot be restored now is no reason to end the stack: the supervisor tries on.
    """
    if "jobs" not in cli.commands():
        return
    try:
        _call(board, "jobs", "restoring jobs", "jobs", "restore")
    except LearnstreamError as error:
        board.say("jobs", f"not restored, the supervisor tries again: {error.message}")
        record = recorded("jobmanager")
        if record is not None:
            replace(record, jobs_restored=False).write()


def _call(board: Board, label: str, doing: str, *command: str) -> None:
    """Run a command of ours; what it prints is shown as its last line."""
    board.say(label, doing)
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = cli.call(*command)
    lines = printed.getvalue().strip().splitlines() or ["done"]
    if status:
        detail = "\n".join(lines[-15:])
        raise Retryable(f"`learnstream {' '.join(command)}` ended with {status}\n{detail}")
    board.say(label, lines[-1], done=True)


def _in_parallel(
    components: Sequence[Component],
    action: Callable[[Component], None],
    given_up: threading.Event | None = None,
) -> None:
    """Run ``action`` for all, wait for all; the first failure sets ``given_up``, then is raised."""
    if not components:
        return
    with ThreadPoolExecutor(len(components)) as pool:
        running = [pool.submit(action, component) for component in components]
        try:
            for future in as_completed(running):
                future.result()
        except BaseException:
            if given_up is not None:
                given_up.set()
            raise


def _require_ports(dead: Sequence[Component]) -> None:
    """Name a port that somebody else has.

    A component that ran here a moment ago may still be letting go of its port (a killed JVM counts
    as dead before its last thread has closed its sockets), or the supervisor has just brought it
    back.
    """
    ran_here = any(recorded(component.name) for component in dead)
    deadline = time.monotonic() + (_LETTING_GO_S if ran_here else 0.0)
    while True:
        try:
            ports.require_free([component for component in dead if not is_alive(component)])
            return
        except Misconfigured:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _require_room(components: Sequence[Component]) -> None:
    profile().run.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(profile().run).free // 1_000_000
    if free_mb < _FREE_DISK_MB:
        raise Misconfigured(
            f"only {free_mb} MB are free in {profile().run}: free {_FREE_DISK_MB} MB, or set"
            " LMS_LOCAL_ROOT to a folder on another disk"
        )
    needed_mb = profile().task_manager_memory_mb + 2_000
    has_mb = psutil.virtual_memory().total // 1_000_000
    if has_mb < needed_mb and any(component.name == "taskmanager" for component in components):
        raise Misconfigured(
            f"this machine has {has_mb} MB of memory and the stack needs about {needed_mb}: set"
            " LMS_LOCAL_TASK_MANAGER_MEMORY_MB to less (1024 at least)"
        )


def down(components: Sequence[Component]) -> list[str]:
    """Stop ``components``; with nothing left to watch the supervisor is stopped too."""
    with lifecycle.lock("stack"):
        rest = [
            component
            for component in COMPONENTS.values()
            if component not in components and recorded(component.name)
        ]
        if not rest:
            # First of all, or it would bring back what is being stopped.
            _stop_supervisor()
        return _stop(components)


def _stop(components: Sequence[Component]) -> list[str]:
    stopped: list[str] = []

    def end(component: Component) -> None:
        if lifecycle.stop(component):
            stopped.append(component.name)

    by_order = sorted(components, key=lambda component: component.stop_order)
    for _, members in groupby(by_order, key=lambda component: component.stop_order):
        _in_parallel(list(members), end)
    return stopped


def wipe(components: Sequence[Component]) -> None:
    """Remove the data of stopped components; the whole run folder when all are meant."""
    with lifecycle.lock("stack"):
        alive = [component.name for component in components if is_alive(component)]
        if alive:
            raise LearnstreamError(f"{', '.join(alive)} still running: `learnstream down` first")
        if set(components) == set(COMPONENTS.values()):
            shutil.rmtree(profile().run, ignore_errors=True)
        for component in components:
            component.wipe()


def supervisor() -> Record | None:
    """The live supervisor's record."""
    record = recorded(SUPERVISOR)
    return record if record is not None and record.process() is not None else None


def _ensure_supervisor() -> None:
    if supervisor() is not None:
        return
    process = lifecycle.detached(
        [sys.executable, "-m", "stack.cli", "supervise"],
        profile().run / "logs" / f"{SUPERVISOR}.log",
        {"PYTHONPATH": str(REPOSITORY)},
        REPOSITORY,
    )
    Record(SUPERVISOR, process.pid, psutil.Process(process.pid).create_time()).write()


def _stop_supervisor() -> None:
    record = recorded(SUPERVISOR)
    if record is not None:
        lifecycle.end_process(record, signal.SIGTERM, 15)
        record.remove()
