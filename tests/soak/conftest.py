"""What the soak's tests share: its options, and all the components that an event passes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from stack import cli
from stack.profile import Profile, profile
from tests.soak.plan import VICTIMS, SoakSettings


@pytest.fixture(scope="module")
def running() -> Iterator[Profile]:
    """All that an event passes, empty at first, under the supervisor; every Flink job runs."""
    os.environ.setdefault("LMS_LOCAL_TASK_MANAGER_MEMORY_MB", "2048")
    cli.call("down")
    cli.call("wipe", "--all", "--yes")
    assert cli.call("up", *VICTIMS) == 0
    try:
        yield profile()
    finally:
        cli.call("down")


@pytest.fixture(scope="session")
def settings() -> SoakSettings:
    return SoakSettings()
