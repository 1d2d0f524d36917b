"""Candidates of one learner and the ranker's input for each, defined once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.recommender.tables import DECAY, RECENT, Floats, Ints, ItemTables

FEATURES = (
    "follows_last",  # share of learners who went on from the last item to this one
    "follows_recent",  # the same over the recent items, older ones counting less
    "links",  # how many of the recent items lead here
    "log_views",  # ln(1 + item_popularity.views_total)
    "log_views_below_best",  # log_views minus the best among this request's items of the course
    "days_since_seen_by_others",  # item's last view minus the learner's last event, -30…30
    "log_events",  # ln(1 + learner_activity.events_total)
    "same_course",  # is it in the course of the last item
    "course_share",  # share of the recent items that are in its course
)
MAX_DAYS = 30.0
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Candidates:
    """Items, and where each came from; arrays of one length."""

    items: Ints
    follows_last: Floats
    follows_recent: Floats
    links: Floats
    anchors: Ints
    """The recent item that leads here most strongly, -1 where none does."""


@dataclass(frozen=True)
class Learner:
    """What the ranker needs to know of a learner; ``recent`` is newest first."""

    recent: Sequence[int]
    events_total: int
    last_seen_s: float
    """Seconds since the epoch."""


def gather(tables: ItemTables, recent: Sequence[int], exclude: Collection[int]) -> Candidates:
    """What follows the recent items, the busiest of their courses, the busiest of all."""
    recent = recent[:RECENT]
    size = len(tables.item_ids)
    score = np.zeros(size, dtype=np.float32)
    links = np.zeros(size, dtype=np.float32)
    best = np.zeros(size, dtype=np.float32)
    last = np.zeros(size, dtype=np.float32)
    anchors = np.full(size, -1, dtype=np.int32)
    for rank, item in enumerate(recent):
        followers, weights = tables.after(item)
        weighted = weights * np.float32(DECAY**rank)
        score[followers] += weighted
        links[followers] += 1
        stronger = weighted > best[followers]
        best[followers[stronger]] = weighted[stronger]
        anchors[followers[stronger]] = item
        if rank == 0:
            last[followers] = weights
    chosen = np.zeros(size, dtype=bool)
    chosen[score > 0] = True
    for course in {int(tables.course_of[item]) for item in recent}:
        busiest = tables.popular_in[course]
        chosen[busiest[busiest >= 0]] = True
    chosen[tables.popular] = True
    gone = [*exclude, *recent]
    if gone:
        chosen[np.fromiter(gone, dtype=np.int64, count=len(gone))] = False
    items = np.flatnonzero(chosen).astype(np.int32)
    return Candidates(items, last[items], score[items], links[items], anchors[items])


def matrix(
    tables: ItemTables,
    learner: Learner,
    candidates: Candidates,
    views_total: npt.NDArray[np.float64],
    last_viewed_s: npt.NDArray[np.float64],
) -> Floats:
    """One row per candidate, columns as in ``FEATURES``.

    ``views_total`` and ``last_viewed_s`` (NaN: never) belong to the candidates, in their order.
    """
    items = candidates.items
    courses = tables.course_of[items]
    log_views = np.log1p(views_total)
    best = np.zeros(len(tables.course_ids))
    np.maximum.at(best, courses, log_views)
    days = (last_viewed_s - learner.last_seen_s) / _DAY_S
    recent = list(learner.recent[:RECENT])
    recent_courses = tables.course_of[recent] if recent else np.empty(0, dtype=np.int32)
    share = np.bincount(recent_courses, minlength=len(tables.course_ids)) / max(len(recent), 1)
    last_course = recent_courses[0] if recent else -1
    columns = (
        candidates.follows_last,
        candidates.follows_recent,
        candidates.links,
        log_views,
        log_views - best[courses],
        np.clip(np.nan_to_num(days, nan=-MAX_DAYS), -MAX_DAYS, MAX_DAYS),
        np.full(len(items), np.log1p(learner.events_total)),
        courses == last_course,
        share[courses],
    )
    return np.column_stack(columns).astype(np.float32)


def fingerprint() -> str:
    """Changes when a definition here does: a model is served only by the code it was made for.

    It is what the definitions compute on a fixed example, so that neither a comment nor a faster
    formulation changes it.
    """
    rng = np.random.default_rng(20_260_217)
    size, courses = 60, 4
    starts = np.arange(0, 5 * size + 1, 5, dtype=np.int32)
    tables = ItemTables(
        item_ids=[str(item) for item in range(size)],
        course_ids=[str(course) for course in range(courses)],
        course_of=rng.integers(courses, size=size).astype(np.int32),
        starts=starts,
        followers=np.concatenate([rng.permutation(size)[:5] for _ in range(size)]).astype(np.int32),
        weights=rng.random(5 * size).astype(np.float32),
        views=np.zeros(size, dtype=np.float32),
        popular=np.arange(3, dtype=np.int32),
        popular_in=rng.integers(-1, size, size=(courses, 3)).astype(np.int32),
    )
    learner = Learner([7, 3, 41, 12], events_total=99, last_seen_s=1e9)
    found = gather(tables, learner.recent, [5, 6])
    views = np.arange(len(found.items), dtype=float)
    x = matrix(tables, learner, found, views, 1e9 + 3e5 * (views - 9))
    values = [FEATURES, found.items.tolist(), found.anchors.tolist(), np.round(x, 3).tolist()]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]
