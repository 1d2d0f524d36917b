"""What every test shares: the test profile, and the real parts for those that ask for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Before any settings are read: tests never touch the demo's ports or data.
os.environ.setdefault("LMS_LOCAL_NAME", "test")
os.environ.setdefault("LMS_LOCAL_PORT_OFFSET", "1000")
# Requests are metered as in production, by buckets that no test empties unless it is about them.
os.environ.setdefault("LMS_LIMITS_READ", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_WRITE", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_MACHINE", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_ANONYMOUS", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_LOGIN", "100000/s burst 1000000")
os.environ.setdefault("LMS_LIMITS_ADDRESS", "100000/s burst 1000000")

import pytest

from stack import cli
from stack.kafka import create_topics
from stack.profile import Profile, profile

PARTS = ("kafka", "postgres", "redis", "jobmanager", "taskmanager")


@pytest.fixture(scope="session")
def stack() -> Iterator[Profile]:
    """The real parts of the test profile, empty, with topics and tables; ended afterwards.

    Our own processes do not run here: a test starts the one it is about.
    """
    cli.call("down")
    cli.call("wipe", "--yes")
    assert cli.call("up", *PARTS) == 0
    try:
        create_topics()
        cli.call("migrate")
        cli.call("prepare")
        yield profile()
    finally:
        cli.call("down")
