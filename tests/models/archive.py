"""A made-up archive with a habit to learn: most learners take their course in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from contracts.ids import named_id
from features.online_windows import Ids
from features.recommender.candidates import Columns
from features.windowed import WindowView
from features.windows import HOUR_US, Merged, Tiles
from models.recommender.dataset import Events
from models.recommender.moment import Known

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
        learner_ids=[named_id("test", "learner", number) for number in range(learners)],
        item_ids=[named_id("test", "item", number) for number in range(2 * items)],
        course_ids=[named_id("test", "course", number) for number in range(2)],
        course_of=np.repeat([0, 1], items).astype(np.int32),
    )


def known(events: Events) -> Known:
    """The features of these events, all of which arrived when they happened: an hour tile each."""

    def read(view: WindowView, ids: Sequence[Ids], at: datetime) -> Columns:
        learners = view.entity.name == "learner"
        of, names = (
            (events.learner, events.learner_ids) if learners else (events.item, events.item_ids)
        )
        asked = np.full(len(names), -1)
        asked[[names.index(name) for (name,) in ids]] = np.arange(len(ids))
        moment = round(at.timestamp() * 1e6)
        counted = (events.at * 1_000_000 <= moment) & (asked[of] >= 0)
        at_us = events.at[counted] * 1_000_000
        values = [
            at_us if column.is_moment else np.full(len(at_us), name in ("events", "views"))
            for name, column in view.tiles.columns.items()
        ]
        tiles = Tiles.of_hours(asked[of][counted], at_us // HOUR_US, np.column_stack(values))
        return view.compute(Merged(view.tiles.columns, tiles, np.full(len(ids), moment)))

    return read
