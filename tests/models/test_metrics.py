"""Metrics against values computed by hand."""

from __future__ import annotations

import math

import pytest

from models.recommender import metrics


def test_recall_divides_by_what_could_be_found() -> None:
    assert metrics.recall([1, 2, 3], {2, 9}, k=3) == 0.5
    assert metrics.recall([1, 2, 3], {1, 2, 3, 4, 5}, k=3) == 1.0
    assert metrics.recall([1, 2, 3], {3}, k=2) == 0.0


def test_ndcg_discounts_by_place() -> None:
    gained = 1 / math.log2(3) + 1 / math.log2(4)  # hits at places 2 and 3
    ideal = 1 / math.log2(2) + 1 / math.log2(3)
    assert metrics.ndcg([7, 1, 2, 8], {1, 2}, k=4) == pytest.approx(gained / ideal)
    assert metrics.ndcg([1, 2], {1, 2}, k=2) == 1.0
    assert metrics.ndcg([5], {1}, k=1) == 0.0


def test_coverage_counts_items_that_reach_somebody() -> None:
    assert metrics.coverage([[1, 2, 3], [2, 4, 5]], catalogue=10, k=2) == 0.3
