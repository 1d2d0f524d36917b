"""Candidates of one learner and the ranker's input for each, defined once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features import windows
from features.catalogue import RECOMMENDER
from features.recommender.tables import DECAY, RECENT, Floats, Ints, ItemTables
from features.windowed import WindowView
from features.windows import HOUR_US, Merged, Tiles

Columns = Mapping[str, windows.Floats]
"""Values by feature."""

LEARNER, ITEM = RECOMMENDER.view("learner_windows"), RECOMMENDER.view("item_windows")
"""What serving and training read, each as of the moment of asking or of learning."""
FEATURES = (
    "follows_last",  # share of learners who went on from the last item to this one
    "follows_recent",  # the same over the recent items, older ones counting less
    "links",  # how many of the recent items lead here
    "log_views",  # ln(1 + item_views_all)
    "log_views_below_best",  # log_views minus the best among this request's items of the course
    "log_views_7d",  # ln(1 + item_views_7d)
    "days_since_used_by_others",  # item's last event minus the learner's, -30…30
    "log_events",  # ln(1 + events_28d)
    "same_course",  # is it in the course of the last item
    "course_share",  # share of the recent items that are in its course
)
MAX_DAYS = 30.0
_DAY_H = 24.0


@dataclass(frozen=True)
class Candidates:
    """Items, and where each came from; arrays of one length."""

    items: Ints
    follows_last: Floats
    follows_recent: Floats
    links: Floats
    anchors: Ints
    """The recent item that leads here most strongly, -1 where none does."""


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
    recent: Sequence[int],
    candidates: Candidates,
    learner: Columns,
    items: Columns,
) -> Floats:
    """One row per candidate, columns as in ``FEATURES``; ``recent`` is newest first.

    ``learner`` has the features of ``LEARNER``, one value each, ``items`` those of ``ITEM`` for the
    candidates in their order. NaN is null: nothing is known, which is as if it had never happened.
    """
    courses = tables.course_of[candidates.items]
    log_views = np.log1p(np.nan_to_num(items["item_views_all"]))
    best = np.zeros(len(tables.course_ids))
    np.maximum.at(best, courses, log_views)
    # A learner without any event: every use by others counts as after it.
    ago = np.nan_to_num(learner["recency_hours"], nan=np.inf)
    days = np.nan_to_num((ago - items["item_recency_hours"]) / _DAY_H, nan=-MAX_DAYS)
    recent = list(recent[:RECENT])
    recent_courses = tables.course_of[recent] if recent else np.empty(0, dtype=np.int32)
    share = np.bincount(recent_courses, minlength=len(tables.course_ids)) / max(len(recent), 1)
    last_course = recent_courses[0] if recent else -1
    events = float(np.nan_to_num(learner["events_28d"])[0])
    columns = (
        candidates.follows_last,
        candidates.follows_recent,
        candidates.links,
        log_views,
        log_views - best[courses],
        np.log1p(np.nan_to_num(items["item_views_7d"])),
        np.clip(days, -MAX_DAYS, MAX_DAYS),
        np.full(len(courses), np.log1p(events)),
        courses == last_course,
        share[courses],
    )
    return np.column_stack(columns).astype(np.float32)


def fingerprint() -> str:
    """Changes when a definition here, of a window or of a feature that is read does: a model is
    served only by the code it was made for.

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
    recent = [7, 3, 41, 12]
    found = gather(tables, recent, [5, 6])
    items = _example(ITEM, len(found.items), rng)
    x = matrix(tables, recent, found, _example(LEARNER, 1, rng), items)
    values = [FEATURES, found.items.tolist(), found.anchors.tolist(), np.round(x, 3).tolist()]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _example(view: WindowView, entities: int, rng: np.random.Generator) -> Columns:
    """The view's features of made-up entities with forty hours of the last fifty days each."""
    at = 500_000  # hours since 1970
    asked = np.repeat(np.arange(entities), 40)
    begins = at - rng.integers(50 * 24, size=len(asked))
    values = rng.integers(9, size=(len(asked), len(view.tiles.columns)))
    for number, column in enumerate(view.tiles.columns.values()):
        if column.is_moment:
            values[:, number] = begins * HOUR_US
    tiles = Tiles.of_hours(asked, begins, values)
    moments = np.full(entities, at * HOUR_US)
    return view.compute(Merged(view.tiles.columns, tiles, moments))
