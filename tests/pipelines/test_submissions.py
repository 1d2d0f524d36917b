"""Submissions leave no classes behind in Flink's processes."""

from __future__ import annotations

import pytest

from stack.profile import Profile
from tests.pipelines.submissions import held, submit_and_cancel

pytestmark = pytest.mark.integration

SUBMISSIONS = 8
LEAST_LEAK_MB = 9.5
"""What each would leave if the connectors came with it, in the process where it is less."""


def test_a_submission_leaves_no_connectors_behind(flink: Profile) -> None:
    submit_and_cancel(2)  # what is loaded once
    before = held()
    submit_and_cancel(SUBMISSIONS)
    for name, after in held().items():
        assert after.pid == before[name].pid
        grown_mb = after.metaspace_mb - before[name].metaspace_mb
        assert grown_mb < SUBMISSIONS * LEAST_LEAK_MB / 3, name
