"""Exact: whatever is killed at whatever moment, in the end every row of every table is equal."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from pipelines.derive import rebuild
from pipelines.verify.reconcile import verify
from stack.profile import Profile
from tests.soak.plan import VICTIMS, SoakSettings, rounds
from tests.soak.rounds import Life
from tests.soak.school import School


def test_twenty_rounds_kill_every_component_twice_and_equal_seeds_give_equal_rounds() -> None:
    for seed in range(20):
        plan = rounds(seed, 20)
        killed = Counter(kill.component for one in plan for kill in one.kills)
        assert set(killed) == set(VICTIMS)
        assert min(killed.values()) >= 2
        assert plan == rounds(seed, 20)
        assert plan[:7] == rounds(seed, 7)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_table_is_equal_after_each_of_the_rounds(
    running: Profile, settings: SoakSettings
) -> None:
    life = Life(School(settings.seed))
    life.begin()
    try:
        for one in rounds(settings.seed, settings.rounds)[settings.first - 1 :]:
            sys.stdout.write(f"seed {settings.seed}, {life.play(one)}\n")
            sys.stdout.flush()
    except AssertionError as error:
        raise AssertionError(f"learnstream soak --seed {settings.seed}: {error}") from error
    rebuild.rebuild([])
    report = verify(wait_s=120, repeats=True)
    assert report.equal, f"after a rebuild of everything: {report.trouble or report.difference}"
