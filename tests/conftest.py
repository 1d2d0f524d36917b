"""What every test shares: a profile per lane, and the real parts for those that ask for them."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

if "COVERAGE_PROCESS_START" in os.environ:  # before anything of ours is imported
    import coverage

    coverage.process_startup()

from tests import lanes, tiers

# Before any settings are read: tests never touch the demo's ports or data.
os.environ.update(lanes.profile(os.environ))
# What runs here is the local stack's: pretended money is taken.
os.environ["LMS_LOCAL_SUPERVISED"] = "true"
# What httpx and the test client call an application that listens nowhere.
os.environ.setdefault("LMS_HTTP_ALLOWED_HOSTS", "testserver,lms,test")
# Requests are metered as in production, by buckets that no test empties unless it is about them.
os.environ.setdefault("LMS_LIMITS_READ", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_WRITE", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_MACHINE", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_ANONYMOUS", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_LOGIN", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_ADDRESS", "100000/s burst 1000000")
os.environ.setdefault("LMS_SERVING_OFFERS", "100000/s burst 1000000")

import pytest

from stack import cli
from stack.commands.test import FAST
from stack.kafka import create_topics
from stack.postgres import connect_lms
from stack.profile import Profile, profile

pytest.register_assert_rewrite("tests.waiting")  # its failures show what differs

PARTS = ("kafka", "postgres", "redis")


times = tiers.Times()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is imported stays: looking for garbage in it takes a third of the time of collecting."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before -m chooses by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.mark(items)
    lanes.name_apart(items)
    items.sort(key=lambda item: lanes.rank(item.nodeid))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    fast = config.option.markexpr == FAST
    return True if fast and tiers.is_none_fast(collection_path) else None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    times.add(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("times")
    for line in times.lines():
        terminalreporter.line(line)


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries in C++ call what lives on at the end a leak
    if "COVERAGE_PROCESS_START" in os.environ and (measured := coverage.Coverage.current()):
        measured.stop()
        measured.save()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> lanes.Lanes:
    config.option.loadscopereorder = False  # the order is ours
    return lanes.Lanes(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[Profile]:
    """The real servers of the lane's profile, empty, with topics and tables; ended afterwards.

    Our own processes do not run here: a test starts the one it is about.
    """
    cli.call("down")
    cli.call("wipe", "--all", "--yes")
    assert cli.call("up", *PARTS) == 0
    try:
        create_topics()
        _without_fsync()
        cli.call("migrate")
        cli.call("prepare")
        yield profile()
    finally:
        cli.call("down")


def _without_fsync() -> None:
    """What PostgreSQL wrote outlives its own death, if not the machine's: the disk is spared."""
    with connect_lms(autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def registered(stack: Profile) -> Profile:
    """The same with a feature store, which costs the seconds that Feast's import takes."""
    cli.call("register")
    return stack


@pytest.fixture(scope="session")
def flink(stack: Profile) -> Profile:
    """The same with a Flink cluster, for those few that need one.

    Nothing runs on it: a test submits what it is about.
    """
    (stack.run / "jobs.json").write_text('{"wanted": []}')
    assert cli.call("up", "flink") == 0
    return stack
