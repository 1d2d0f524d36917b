"""From verdicts to points, from points to a score, from several scores to the one that counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Rule = Literal["best", "last", "average"]

_CENT = Decimal("0.01")


def points_of(share: float, max_points: Decimal) -> Decimal:
    """The share of a question's points, to the hundredth."""
    return _rounded(Decimal(repr(share)) * max_points)


def score_of(
    questions: Iterable[tuple[Decimal, Decimal]], penalty: Decimal = Decimal(0)
) -> Decimal:
    """Points reached of points to be had, in percent, less ``penalty`` percent of that."""
    reached, most = Decimal(0), Decimal(0)
    for points, max_points in questions:
        reached += points
        most += max_points
    if not most:
        return Decimal(0)
    return _rounded(100 * reached / most * (100 - penalty) / 100)


def counted(rule: Rule, scores: Sequence[Decimal]) -> Decimal:
    """What counts of ``scores``, in the order they were handed in; there is at least one."""
    if rule == "best":
        return max(scores)
    if rule == "last":
        return scores[-1]
    return _rounded(sum(scores, Decimal(0)) / len(scores))


def passed(score: Decimal, pass_score: Decimal | None) -> bool | None:
    """None where nothing has to be passed."""
    return None if pass_score is None else score >= pass_score


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)
