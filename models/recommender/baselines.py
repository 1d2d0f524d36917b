"""The model's baselines: popularity, item-kNN, and EASE where it is feasible.

EASE: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019. Each baseline sees the
same past as the model and, like it, never offers what the learner has already opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import sparse

from features.recommender.tables import Floats
from models.recommender.dataset import Array
from models.recommender.moment import Case, Moment

EASE_ITEMS = 5_000
"""EASE inverts an items × items matrix: beyond this many it is left out."""
KNN_ITEMS = 20_000
RIDGE = 200.0

Scores = Callable[[Case], Array]


def popular(moment: Moment) -> Scores:
    """The busiest items of all."""
    return lambda case: moment.views_total


def popular_in_courses(moment: Moment) -> Scores:
    """The busiest items of the courses the learner was recently in."""
    course_of = moment.tables.course_of
    most = moment.views_total.max() + 1

    def scores(case: Case) -> Array:
        mine = np.isin(course_of, course_of[list(case.recent)])
        return np.asarray(moment.views_total + most * mine)

    return scores


def item_knn(moment: Moment) -> Scores:
    """Cosine between items over learners, summed over everything the learner opened."""
    gram = _gram(moment)
    norms = np.sqrt(np.maximum(gram.diagonal(), 1))
    similar = gram / norms[:, None] / norms[None, :]
    np.fill_diagonal(similar, 0)
    return lambda case: np.asarray(similar[case.seen].sum(axis=0))


def ease(moment: Moment) -> Scores:
    gram = _gram(moment)
    np.fill_diagonal(gram, gram.diagonal() + RIDGE)
    inverse = np.linalg.inv(gram)
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0)
    return lambda case: np.asarray(weights[case.seen].sum(axis=0))


def feasible(moment: Moment) -> Mapping[str, Scores]:
    """The baselines that this catalogue's size allows, by name."""
    found = {"popularity": popular(moment), "popularity in course": popular_in_courses(moment)}
    items = len(moment.tables.item_ids)
    if items <= KNN_ITEMS:
        found["item-kNN"] = item_knn(moment)
    if items <= EASE_ITEMS:
        found["EASE"] = ease(moment)
    return found


def top(scores: Array, seen: Sequence[int] | Array, k: int) -> list[int]:
    """The k best unseen items."""
    scores = np.array(scores, dtype=float)
    scores[seen] = -np.inf
    best: list[int] = np.argsort(-scores, kind="stable")[:k].tolist()
    return best


def _gram(moment: Moment) -> Floats:
    past = moment.past
    shape = (int(past.learner.max()) + 1, len(past.item_ids))
    opened = sparse.csr_matrix(
        (np.ones(len(past), dtype=np.float32), (past.learner, past.item)), shape=shape
    )
    opened.data[:] = 1
    return np.asarray((opened.T @ opened).todense(), dtype=np.float32)
