"""The relay is killed at every one of its steps; no event is lost, doubled or out of order."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

from core_lms.outbox.failpoint import STEPS

from .conftest import Writers, until, verify

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


@pytest.mark.parametrize("part", ["kafka", "postgres"])
def test_a_killed_server_delays_events_and_does_nothing_else_to_them(
    outbox: Any, part: str
) -> None:
    from stack import cli
    from stack.local.record import recorded

    with Writers(outbox) as writers, outbox.relaying() as relay:
        until(lambda: sum(writers.committed().values()) > 50, "the writers are under way")
        record = recorded(part)
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        until(lambda: record.process() is None, f"{part} is dead")
        assert cli.call("up", part) == 0
        before = sum(writers.committed().values())
        until(lambda: sum(writers.committed().values()) > before + 50, "the writers go on")
        writers.end()
        until(lambda: outbox.waiting() == 0, "the outbox drains")
        assert relay.poll() is None, "the relay itself lived on"

    assert verify(outbox, writers) > 100
