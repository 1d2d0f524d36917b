"""A pid file says which process it means, whoever has that number now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stack.local import lifecycle
from stack.local.record import Record, all_recorded, group_members, recorded


@pytest.fixture(autouse=True)
def own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def _record(process: subprocess.Popen[bytes]) -> Record:
    return Record("redis", process.pid, psutil.Process(process.pid).create_time())


def test_a_live_process_is_recognised(sleeper: subprocess.Popen[bytes]) -> None:
    _record(sleeper).write()
    found = recorded("redis")
    assert found is not None
    assert found.process() is not None


def test_a_stranger_with_the_same_pid_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    older = replace(_record(sleeper), created=psutil.Process().create_time() - 3600)
    assert older.process() is None


def test_a_stranger_with_the_same_pid_is_never_killed(sleeper: subprocess.Popen[bytes]) -> None:
    older = replace(_record(sleeper), created=psutil.Process().create_time() - 3600)
    lifecycle.end_process(older, signal.SIGTERM, 1)
    assert sleeper.poll() is None


def test_a_dead_process_is_dead_even_while_its_parent_has_not_noticed(
    sleeper: subprocess.Popen[bytes],
) -> None:
    record = _record(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, but left a zombie
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE
    assert record.process() is None


@pytest.mark.parametrize("text", ["", "not json", "{}", '{"name": "redis"}', '{"surprise": 1}'])
def test_an_unreadable_pid_file_counts_as_none(tmp_path: Path, text: str) -> None:
    pids = tmp_path / "run" / os.environ["LMS_LOCAL_NAME"] / "pids"
    pids.mkdir(parents=True)
    (pids / "redis.json").write_text(text)
    assert recorded("redis") is None
    assert list(all_recorded()) == []


def test_children_that_outlive_their_leader_are_killed_with_it() -> None:
    program = (
        "import subprocess, sys; subprocess.Popen(['sleep', '60']);"
        "print('started', flush=True); sys.stdin.read()"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert leader.stdout is not None
    assert leader.stdout.readline() == b"started\n"
    record = _record(leader)
    leader.kill()
    leader.wait()
    assert len(group_members(record.pid)) == 1
    lifecycle.kill_leftovers(record)
    assert group_members(record.pid) == []
