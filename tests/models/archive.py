"""A made-up archive with a habit to learn: most learners take their course in order."""

from __future__ import annotations

import numpy as np

from contracts.ids import named_id
from models.recommender.dataset import Events

DAY_S = 86_400
START_S = 1_700_006_400  # 2023-11-15T00:00:00Z


def course_followers(learners: int = 80, items: int = 30, seed: int = 3) -> Events:
    """Two courses; a learner opens an item a day in order, with detours, from a staggered start."""
    rng = np.random.default_rng(seed)
    rows = []
    for learner in range(learners):
        course = learner % 2
        first = int(rng.integers(0, 30))
        for step in range(int(rng.integers(8, items))):
            item = course * items + (step if rng.random() < 0.8 else int(rng.integers(items)))
            rows.append(
                (learner, item, START_S + (first + step) * DAY_S + int(rng.integers(9_999)))
            )
    learner, item, at = np.array(rows).T
    order = np.lexsort((at, learner))
    return Events(
        learner=learner[order].astype(np.int32),
        item=item[order].astype(np.int32),
        at=at[order].astype(np.int64),
        viewed=np.ones(len(rows), dtype=bool),
        item_ids=[named_id("test", "item", number) for number in range(2 * items)],
        course_ids=[named_id("test", "course", number) for number in range(2)],
        course_of=np.repeat([0, 1], items).astype(np.int32),
    )
