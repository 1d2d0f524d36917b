"""Which items follow which: learners' first views in order, counted into item tables."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from features.recommender.tables import POPULAR_OVERALL, POPULAR_PER_COURSE, ItemTables
from models.recommender.dataset import Array, Events

STEPS = 10
"""A first view counts for this many views before it, ever less."""
WINDOW_S = 14 * 86_400
"""… if they are not older than this."""
FOLLOWERS = 60
"""Followers kept per item."""
SHRINKAGE = 5.0
"""Added to each item's count, so that one learner's habit is not a rule."""


def first_views(events: Events) -> tuple[Array, Array, Array]:
    """(learner, item, at) of each learner's first view of each item, ordered by learner, time."""
    learner, item, at = (
        values[events.viewed] for values in (events.learner, events.item, events.at)
    )
    pairs = learner.astype(np.int64) * len(events.item_ids) + item
    _, first = np.unique(pairs, return_index=True)  # the first of equals: the earliest
    first.sort()
    return learner[first], item[first], at[first]


def item_tables(events: Events) -> ItemTables:
    """The tables as of the last of ``events``."""
    follows = _follows(events)
    views = np.bincount(events.item[events.viewed], minlength=len(events.item_ids))
    ranked = np.argsort(-views, kind="stable").astype(np.int32)
    ranked = ranked[views[ranked] > 0]
    popular_in = np.full((len(events.course_ids), POPULAR_PER_COURSE), -1, dtype=np.int32)
    for course in range(len(events.course_ids)):
        busiest = ranked[events.course_of[ranked] == course][:POPULAR_PER_COURSE]
        popular_in[course, : len(busiest)] = busiest
    return ItemTables(
        item_ids=events.item_ids,
        course_ids=events.course_ids,
        course_of=events.course_of,
        starts=follows.indptr.astype(np.int32),
        followers=follows.indices.astype(np.int32),
        weights=follows.data.astype(np.float32),
        views=views.astype(np.float32),
        popular=ranked[:POPULAR_OVERALL],
        popular_in=popular_in,
    )


def _follows(events: Events) -> sparse.csr_matrix:
    learner, item, at = first_views(events)
    size = len(events.item_ids)
    counts = sparse.csr_matrix((size, size), dtype=np.float32)
    for step in range(1, STEPS + 1):
        before, after = slice(None, -step), slice(step, None)
        linked = (learner[before] == learner[after]) & (at[after] - at[before] <= WINDOW_S)
        earlier, later = item[before][linked], item[after][linked]
        # A source that knows only the day does not know the order within it: count half each way.
        tied = (at[before] == at[after])[linked]
        weight = np.where(tied, 0.5, 1.0).astype(np.float32) / np.float32(step)
        rows = np.concatenate([earlier, later[tied]])
        columns = np.concatenate([later, earlier[tied]])
        values = np.concatenate([weight, weight[tied]])
        counts = counts + sparse.csr_matrix((values, (rows, columns)), shape=(size, size))
    return _strongest(_shares(counts))


def _shares(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    totals = np.asarray(counts.sum(axis=1)).ravel() + SHRINKAGE
    return sparse.diags(1 / totals).dot(counts).tocsr()


def _strongest(shares: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row's ``FOLLOWERS`` largest entries."""
    rows = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))
    order = np.lexsort((-shares.data, rows))
    place = np.arange(len(order)) - shares.indptr[rows[order]]
    kept = order[place < FOLLOWERS]
    return sparse.csr_matrix(
        (shares.data[kept], (rows[kept], shares.indices[kept])), shape=shares.shape
    )
