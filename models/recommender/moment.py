"""One moment in the past: what was known then, and which new items learners opened after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from features.known import known
from features.online_windows import Ids
from features.recommender.candidates import ITEM, LEARNER, Candidates, Columns, gather, matrix
from features.recommender.tables import RECENT, Floats, ItemTables
from features.windowed import WindowView
from models.recommender.covisitation import item_tables
from models.recommender.dataset import Array, Events

Known = Callable[[WindowView, Sequence[Ids], datetime], Columns]
"""The features of entities as known at a moment."""


def in_archive(connection: psycopg.Connection[Any]) -> Known:
    """What had arrived in the archive by the moment; the connection commits by itself."""

    def read(view: WindowView, ids: Sequence[Ids], at: datetime) -> Columns:
        return view.compute(known(connection, view, ids, [at] * len(ids)))

    return read


@dataclass(frozen=True)
class Case:
    """One learner at the moment: their past, and the new items that came next.

    ``recent`` is newest first, ``features`` are those of ``LEARNER``, one value each.
    """

    recent: Sequence[int]
    features: Columns
    seen: Array
    targets: Array


class Moment:
    """``events`` split at ``cutoff_s``: statistics from before, targets from the time after it."""

    def __init__(self, events: Events, cutoff_s: float, horizon_s: float, known: Known) -> None:
        self.past = events.before(cutoff_s)
        self.cutoff_s = cutoff_s
        self.tables: ItemTables = item_tables(self.past)
        self.views_total = self.tables.views.astype(float)
        self._known = known
        # What happened at the cut-off itself is to be foretold; a source may know the day only.
        self._at = datetime.fromtimestamp(cutoff_s, UTC) - timedelta(microseconds=1)
        self._items = known(ITEM, [(item_id,) for item_id in events.item_ids], self._at)
        self._next = events.between(cutoff_s, cutoff_s + horizon_s)

    def cases(self, limit: int, seed: int) -> Iterator[Case]:
        """Learners with a past and something new after it; at most ``limit``, drawn by ``seed``.

        Of whom nothing is known, because they do not agree to it, nothing is learned.
        """
        starts = _starts(self.past.learner)
        news = _starts(self._next.learner)
        both = sorted(starts.keys() & news.keys())
        if len(both) > limit:
            chosen = np.random.default_rng(seed).choice(len(both), size=limit, replace=False)
            both = [both[i] for i in sorted(chosen)]
        ids = [(self.past.learner_ids[learner],) for learner in both]
        features = self._known(LEARNER, ids, self._at)
        for number, learner in enumerate(both):
            own = {name: values[number : number + 1] for name, values in features.items()}
            past = slice(*starts[learner])
            seen = np.unique(self.past.item[past])
            new = self._next.item[slice(*news[learner])][self._next.viewed[slice(*news[learner])]]
            targets = np.setdiff1d(new, seen)
            if len(targets) and not all(np.isnan(values[0]) for values in own.values()):
                yield Case(self.recent(past), own, seen, targets)

    def recent(self, past: slice) -> list[int]:
        """The last distinct items of these events, newest first."""
        backwards = self.past.item[past][::-1]
        return list(dict.fromkeys(backwards[: RECENT * 20].tolist()))[:RECENT]

    def candidates(self, case: Case) -> tuple[Candidates, Floats]:
        """The candidates serving would have had at the moment, and the ranker's input for them."""
        found = gather(self.tables, case.recent, case.seen.tolist())
        items = {name: values[found.items] for name, values in self._items.items()}
        return found, matrix(self.tables, case.recent, found, case.features, items)


def _starts(learner: Array) -> dict[int, tuple[int, int]]:
    """Where each learner's events begin and end."""
    names, first, counts = np.unique(learner, return_index=True, return_counts=True)
    spans = zip(first.tolist(), (first + counts).tolist(), strict=True)
    return dict(zip(names.tolist(), spans, strict=True))
