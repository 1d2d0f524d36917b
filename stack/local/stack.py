"""Bring many parts up or down together: in stages, in parallel, all or nothing."""

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
from stack.local.catalogue import PARTS
from stack.local.part import Part
from stack.local.progress import Board
from stack.local.record import Record, recorded
from stack.profile import REPOSITORY, profile

SUPERVISOR = "supervisor"
_FREE_DISK_MB = 2_000
_LETTING_GO_S = 10.0


def is_alive(part: Part) -> bool:
    record = recorded(part.name)
    return record is not None and record.process() is not None


def up(parts: Sequence[Part]) -> list[str]:
    """Start what is not running of ``parts``; returns the names that were started.

    On any failure, or an interrupt, what this call started is stopped again.
    """
    with lifecycle.lock("stack", wait=False) as free:
        if not free:
            sys.stderr.write("learnstream up: another up or down is at work here, waiting\n")
    with lifecycle.lock("stack"):
        _require_same_addresses()
        missing = [part for part in parts if not (is_alive(part) and part.ready())]
        if missing:
            _start(missing)
        _ensure_supervisor()
        return [part.name for part in missing]


def _require_same_addresses() -> None:
    """A profile that is up listens where it was started: elsewhere it would seem to be dead."""
    wanted = {
        "LMS_LOCAL_PORT_OFFSET": ("port_offset", str(profile().port_offset)),
        "LMS_TLS": ("tls_mode", tls.TlsSettings().mode),
    }
    profile().run.mkdir(parents=True, exist_ok=True)
    alive = any(is_alive(part) for part in PARTS.values())
    for setting, (name, now) in wanted.items():
        remembered = profile().run / name
        before = remembered.read_text(encoding="utf-8") if remembered.exists() else now
        if before != now and alive:
            raise Misconfigured(
                f"profile {profile().name} is up with {setting}={before}: set that, or run "
                "learnstream down first, or choose another LMS_LOCAL_NAME"
            )
        remembered.write_text(now, encoding="utf-8")


def _start(parts: Sequence[Part]) -> None:
    dead = [part for part in parts if not is_alive(part)]
    _require_room(dead)
    _require_ports(dead)
    started: list[Part] = []
    given_up = threading.Event()
    with Board("up") as board:
        _in_parallel(
            [part for part in dead if not part.is_installed()],
            lambda part: part.install(lambda doing: board.say(part.name, doing)),
        )

        def bring(part: Part) -> None:
            began = time.monotonic()
            board.say(part.name, "starting")
            if is_alive(part):
                # The supervisor or another caller has just started it.
                lifecycle.wait_until_ready(part, given_up)
            else:
                started.append(part)
                lifecycle.start(part, given_up)
            board.say(part.name, f"ready after {time.monotonic() - began:.1f} s", done=True)

        try:
            for stage, members in groupby(sorted(parts, key=_stage), key=_stage):
                if stage > 0:
                    _set_up(board)
                _in_parallel(list(members), bring, given_up)
            if any(part.name == "jobmanager" for part in started):
                _restore_jobs(board)
        except BaseException:
            board.say("stack", "stopping what was started")
            _stop(started)
            raise


def _stage(part: Part) -> int:
    return part.stage


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
    parts: Sequence[Part],
    action: Callable[[Part], None],
    given_up: threading.Event | None = None,
) -> None:
    """Run ``action`` for all, wait for all; the first failure sets ``given_up``, then is raised."""
    if not parts:
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        running = [pool.submit(action, part) for part in parts]
        try:
            for future in as_completed(running):
                future.result()
        except BaseException:
            if given_up is not None:
                given_up.set()
            raise


def _require_ports(dead: Sequence[Part]) -> None:
    """Name a port that somebody else has.

    A part that ran here a moment ago may still be letting go of its port (a killed JVM counts as
    dead before its last thread has closed its sockets), or the supervisor has just brought it back.
    """
    ran_here = any(recorded(part.name) for part in dead)
    deadline = time.monotonic() + (_LETTING_GO_S if ran_here else 0.0)
    while True:
        try:
            ports.require_free([part for part in dead if not is_alive(part)])
            return
        except Misconfigured:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _require_room(parts: Sequence[Part]) -> None:
    profile().run.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(profile().run).free // 1_000_000
    if free_mb < _FREE_DISK_MB:
        raise Misconfigured(
            f"only {free_mb} MB are free in {profile().run}: free {_FREE_DISK_MB} MB, or set"
            " LMS_LOCAL_ROOT to a folder on another disk"
        )
    needed_mb = profile().task_manager_memory_mb + 2_000
    has_mb = psutil.virtual_memory().total // 1_000_000
    if has_mb < needed_mb and any(part.name == "taskmanager" for part in parts):
        raise Misconfigured(
            f"this machine has {has_mb} MB of memory and the stack needs about {needed_mb}: set"
            " LMS_LOCAL_TASK_MANAGER_MEMORY_MB to less (1024 at least)"
        )


def down(parts: Sequence[Part]) -> list[str]:
    """Stop ``parts``; with nothing left to watch the supervisor is stopped too."""
    with lifecycle.lock("stack"):
        rest = [part for part in PARTS.values() if part not in parts and recorded(part.name)]
        if not rest:
            # First of all, or it would bring back what is being stopped.
            _stop_supervisor()
        return _stop(parts)


def _stop(parts: Sequence[Part]) -> list[str]:
    stopped: list[str] = []

    def end(part: Part) -> None:
        if lifecycle.stop(part):
            stopped.append(part.name)

    by_order = sorted(parts, key=lambda part: part.stop_order)
    for _, members in groupby(by_order, key=lambda part: part.stop_order):
        _in_parallel(list(members), end)
    return stopped


def wipe(parts: Sequence[Part]) -> None:
    """Remove the data of stopped parts; all of the run folder when all parts are meant."""
    with lifecycle.lock("stack"):
        alive = [part.name for part in parts if is_alive(part)]
        if alive:
            raise LearnstreamError(f"{', '.join(alive)} still running: `learnstream down` first")
        if set(parts) == set(PARTS.values()):
            shutil.rmtree(profile().run, ignore_errors=True)
        for part in parts:
            part.wipe()


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
