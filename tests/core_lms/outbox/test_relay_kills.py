"""The relay is killed at every one of its steps; no event is lost, doubled or out of order."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from core_lms.outbox.failpoint import STEPS
from core_lms.outbox.table import RELAY_LOCK
from tests.waiting import until

from .conftest import Writers, verify

pytestmark = pytest.mark.integration

AT_START = ("locked", "fenced", "recovered")
"""Reached once per session: killed there, the relay dies while it recovers from a death."""


@pytest.mark.parametrize("step", STEPS)
def test_killed_twice_at_a_step_it_still_publishes_each_event_once_in_order(
    outbox: Any, step: str
) -> None:
    deaths = ["committed:2", f"{step}:1"] if step in AT_START else [f"{step}:3", f"{step}:1"]
    with Writers(outbox) as writers:
        for death in deaths:
            relay = outbox.relay(death)
            assert relay.wait(60) == -signal.SIGKILL
        with outbox.relaying():
            time.sleep(0.5)  # some more load on the survivor; nothing below depends on it
            writers.end()
            until(lambda: outbox.waiting() == 0, "the outbox drains")

    assert verify(outbox, writers) > 30


def test_killed_at_any_moment_it_still_publishes_each_event_once_in_order(outbox: Any) -> None:
    chance = random.Random(20260217)
    with Writers(outbox) as writers:
        for _ in range(8):
            relay = outbox.relay(LMS_OUTBOX_BATCH_ROWS="15")
            time.sleep(chance.uniform(0.6, 1.8))  # the moments are the test
            relay.kill()
            relay.wait()
        with outbox.relaying():
            writers.end()
            until(lambda: outbox.waiting() == 0, "the outbox drains")

    assert verify(outbox, writers) > 100


def test_a_frozen_relay_that_thaws_after_its_successor_took_over_doubles_nothing(
    outbox: Any,
) -> None:
    """It believes it still has the lock, maybe with a Kafka transaction half done."""
    active = outbox.relay(LMS_OUTBOX_BATCH_ROWS="15")
    with Writers(outbox) as writers, outbox.connect(autocommit=True) as watcher:
        until(lambda: _lock_holder(watcher) is not None, "the first has the lock")
        waiting = outbox.relay(LMS_OUTBOX_BATCH_ROWS="15")
        for _ in range(3):
            until(_progress(watcher), "the active one publishes")
            active.send_signal(signal.SIGSTOP)
            holder = _lock_holder(watcher)
            watcher.execute("SELECT pg_terminate_backend(%s)", [holder])
            until(lambda: _lock_holder(watcher) not in (None, holder), "the other takes over")  # noqa: B023
            until(_progress(watcher), "the other publishes")
            active.send_signal(signal.SIGCONT)
            active, waiting = waiting, active
        writers.end()
        until(lambda: outbox.waiting() == 0, "the outbox drains")
    for relay in (active, waiting):
        assert relay.poll() is None
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0

    assert verify(outbox, writers) > 100


def _lock_holder(watcher: psycopg.Connection[Any]) -> int | None:
    row = watcher.execute(
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE locktype = 'advisory' AND objid = %s AND granted AND datname = current_database()",
        [RELAY_LOCK],
    ).fetchone()
    return row[0] if row else None


def _progress(watcher: psycopg.Connection[Any]) -> Callable[[], bool]:
    def batch_no() -> int:
        row = watcher.execute("SELECT batch_no FROM outbox_relay").fetchone()
        assert row is not None
        return int(row[0])

    before = batch_no()
    return lambda: batch_no() > before + 3


@pytest.mark.parametrize("component", ["kafka", "postgres"])
def test_a_killed_server_delays_events_and_does_nothing_else_to_them(
    outbox: Any, component: str
) -> None:
    from stack import cli
    from stack.local.record import recorded

    with Writers(outbox) as writers, outbox.relaying() as relay:
        until(lambda: sum(writers.committed().values()) > 50, "the writers are under way")
        record = recorded(component)
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        until(lambda: record.process() is None, f"{component} is dead")
        assert cli.call("up", component) == 0
        before = sum(writers.committed().values())
        until(lambda: sum(writers.committed().values()) > before + 50, "the writers go on")
        writers.end()
        until(
            lambda: outbox.waiting() == 0,
            "the outbox drains",
            within_s=180,
            ignoring=psycopg.OperationalError,
        )
        assert relay.poll() is None, "the relay itself lived on"

    assert verify(outbox, writers) > 100
