"""A hundred submissions to one cluster: its metaspace levels off."""

from __future__ import annotations

import sys

import pytest

from stack.profile import Profile
from tests.pipelines.submissions import Held, held, submit_and_cancel

SUBMISSIONS, STEP = 100, 20
SPARE_MB = 32.0
"""Flink remembers the last 300 classes that it generated, and others wait for a collection."""


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_metaspace_is_level_after_a_hundred_submissions(flink: Profile) -> None:
    read: list[dict[str, Held]] = []
    for number in range(STEP, SUBMISSIONS + 1, STEP):
        submit_and_cancel(STEP)
        read.append(held())
        each = ", ".join(f"{name} {one.metaspace_mb:.1f} MB" for name, one in read[-1].items())
        sys.stdout.write(f"after {number} submissions: {each}\n")
        sys.stdout.flush()
    first, last = read[0], read[-1]
    for name in first:
        assert last[name].pid == first[name].pid, f"{name} has not been restarted"
        assert last[name].metaspace_mb < first[name].metaspace_mb + SPARE_MB, name
