"""The inbox is killed at every one of its steps; each event is applied once, in its key's order."""

from __future__ import annotations

import os
import signal
from typing import Any

import psycopg
import pytest

from contracts.ids import new_id
from core_lms.inbox.failpoint import STEPS
from tests.waiting import until

from .conftest import NAME

pytestmark = pytest.mark.integration


def load(inbox: Any, keys: list[str], first: int, count: int) -> None:
    inbox.send(*((key, number) for number in range(first, first + count) for key in keys))


def test_killed_at_each_of_its_steps_it_applies_each_event_once_in_order(inbox: Any) -> None:
    keys = [new_id() for _ in range(6)]
    for turn, step in enumerate(STEPS):
        load(inbox, keys, 1 + 5 * turn, 5)
        # Not the first time where it comes often: some batches are already committed then.
        nth = 3 if step == "handled" else 1
        assert inbox.start(f"{step}:{nth}").wait(60) == -signal.SIGKILL, step

    survivor = inbox.start()
    inbox.wait(len(keys) * 5 * len(STEPS))
    inbox.end(survivor)

    assert inbox.applied() == inbox.expected
    assert inbox.emitted() == sum(map(len, inbox.expected.values())), "emitted for each one once"


def test_a_process_that_stands_still_in_a_transaction_loses_it_to_another_one(inbox: Any) -> None:
    frozen = inbox.start(LMS_INBOX_HOLD_S="1.5")
    inbox.send((new_id(), 1))
    inbox.wait(1)
    key = new_id()
    with psycopg.connect(inbox.owner_url) as holder:
        # It gets as far as this event and waits: its position is locked, its effects are written.
        holder.execute("LOCK TABLE verdicts IN ACCESS EXCLUSIVE MODE")
        inbox.send((key, 2))
        until(lambda: holding(inbox), "the first holds the position")
        frozen.send_signal(signal.SIGSTOP)
    other = inbox.start(LMS_INBOX_HOLD_S="1.5")
    inbox.wait(2)
    frozen.send_signal(signal.SIGCONT)
    inbox.send((key, 3), (key, 4))
    inbox.wait(4)
    inbox.end(other)
    inbox.send((key, 5))
    inbox.wait(5)  # the thawed one has found out and goes on
    inbox.end(frozen)

    assert inbox.applied() == inbox.expected
    assert inbox.emitted() == 5


def holding(inbox: Any) -> bool:
    rows = inbox.rows(
        "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted "
        "AND application_name = 'learnstream-inbox' AND datname = current_database()"
    )
    return bool(rows)


def test_two_processes_and_a_killed_postgres_apply_each_event_once(inbox: Any) -> None:
    from stack import cli
    from stack.local.record import recorded

    keys = [new_id() for _ in range(6)]
    processes = [inbox.start(), inbox.start()]
    load(inbox, keys, 1, 20)
    inbox.wait(20)
    record = recorded("postgres")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: record.process() is None, "postgres is dead")
    load(inbox, keys, 21, 20)
    assert cli.call("up", "postgres") == 0
    inbox.wait(40 * len(keys))
    for process in processes:
        assert process.poll() is None, "it waited for postgres"
        inbox.end(process)

    assert inbox.applied() == inbox.expected
    [[behind]] = inbox.rows(
        "SELECT count(*) FROM inbox_offsets WHERE consumer = %s AND updated_at IS NULL", NAME
    )
    assert behind == 0
