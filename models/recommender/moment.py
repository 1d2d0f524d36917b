"""One moment in the past: what was known then, and which new items learners opened after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.recommender.candidates import Candidates, Learner, gather, matrix
from features.recommender.tables import RECENT, Floats, ItemTables
from models.recommender.covisitation import item_tables
from models.recommender.dataset import Array, Events


@dataclass(frozen=True)
class Case:
    """One learner at the moment: their past, and the new items that came next."""

    learner: Learner
    seen: Array
    targets: Array


class Moment:
    """``events`` split at ``cutoff_s``: statistics from before, targets from the time after it."""

    def __init__(self, events: Events, cutoff_s: float, horizon_s: float) -> None:
        self.past = events.before(cutoff_s)
        self.cutoff_s = cutoff_s
        self.tables: ItemTables = item_tables(self.past)
        size = len(events.item_ids)
        viewed = self.past.viewed
        self.views_total = np.bincount(self.past.item[viewed], minlength=size).astype(float)
        self.last_viewed_s = np.full(size, np.nan)
        last = np.full(size, -np.inf)
        np.maximum.at(last, self.past.item[viewed], self.past.at[viewed])
        self.last_viewed_s[np.isfinite(last)] = last[np.isfinite(last)]
        self._next = events.between(cutoff_s, cutoff_s + horizon_s)

    def cases(self, limit: int, seed: int) -> Iterator[Case]:
        """Learners with a past and something new after it; at most ``limit``, drawn by ``seed``."""
        starts = _starts(self.past.learner)
        news = _starts(self._next.learner)
        both = sorted(starts.keys() & news.keys())
        if len(both) > limit:
            chosen = np.random.default_rng(seed).choice(len(both), size=limit, replace=False)
            both = [both[i] for i in sorted(chosen)]
        for learner in both:
            past = slice(*starts[learner])
            seen = np.unique(self.past.item[past])
            new = self._next.item[slice(*news[learner])][self._next.viewed[slice(*news[learner])]]
            targets = np.setdiff1d(new, seen)
            if len(targets):
                yield Case(self._learner(past), seen, targets)

    def _learner(self, past: slice) -> Learner:
        backwards = self.past.item[past][::-1]
        recent = list(dict.fromkeys(backwards[: RECENT * 20].tolist()))[:RECENT]
        return Learner(recent, past.stop - past.start, float(self.past.at[past.stop - 1]))

    def candidates(self, case: Case) -> tuple[Candidates, Floats]:
        """The candidates serving would have had at the moment, and the ranker's input for them."""
        found = gather(self.tables, case.learner.recent, case.seen.tolist())
        views, last = self.views_total[found.items], self.last_viewed_s[found.items]
        return found, matrix(self.tables, case.learner, found, views, last)


def _starts(learner: Array) -> dict[int, tuple[int, int]]:
    """Where each learner's events begin and end."""
    names, first, counts = np.unique(learner, return_index=True, return_counts=True)
    spans = zip(first.tolist(), (first + counts).tolist(), strict=True)
    return dict(zip(names.tolist(), spans, strict=True))
