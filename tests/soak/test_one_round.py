"""One round in which those that hold state die at once: the rounds in a minute.

``learnstream soak -- tests/soak/test_one_round.py``, while working on what it is about.
"""

from __future__ import annotations

import pytest

from tests.soak.plan import Kill, Round
from tests.soak.rounds import Life
from tests.soak.school import School

pytestmark = pytest.mark.soak


@pytest.mark.timeout(0)
@pytest.mark.usefixtures("running")
def test_parts_killed_at_once_in_mid_work_leave_every_table_equal() -> None:
    victims = ("postgres", "redis", "archive", "derive")
    kills = tuple(Kill(part, 1.0 + n / 5) for n, part in enumerate(victims))
    life = Life(School(seed=5, learners=40))
    life.begin()
    life.play(Round(1, kills, late=0.3, repeated=True, checkpoints_lost=False))
