"""Ranking metrics at k, each for one learner; averages are over learners.

recall@k and NDCG@k as in Järvelin & Kekäläinen (2002) with binary gains; recall divides by
``min(k, targets)`` so that 1.0 can be reached.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


def recall(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    hits = sum(item in targets for item in ranked[:k])
    return hits / min(k, len(targets))


def ndcg(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gained = sum(discounts[i] for i, item in enumerate(ranked[:k]) if item in targets)
    return float(gained / discounts[: min(k, len(targets))].sum())


def coverage(lists: Sequence[Sequence[int]], catalogue: int, k: int) -> float:
    """Share of the catalogue's items that appear in somebody's first k."""
    return len({item for ranked in lists for item in ranked[:k]}) / max(catalogue, 1)
