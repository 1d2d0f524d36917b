"""Is what serving read what the archive says for the same moment? Each feature, and a gate.

A served value counts as equal where it lies between what had arrived ``LAG_S`` before the moment
(or the view's freshness, where that is more) and as long after: the tile of an event is readable a
moment after the archive has it, or before. That is freshness, and has its own figure.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any

import psycopg

from contracts.errors import Rejected
from contracts.feature_views import Value
from features import known
from features.relative import InCourse
from features.served import Served
from features.settings import FeatureSettings

LAG_S = 10.0
_AT_ONCE = 5_000
_CLOSE = 1e-9


@dataclass
class FeatureSkew:
    """One feature's comparison; ``missing`` were null when served alone, ``extra`` the reverse."""

    view: str
    feature: str
    compared: int = 0
    missing: int = 0
    extra: int = 0
    differences: list[float] = field(default_factory=list)

    @property
    def matched(self) -> int:
        return self.compared - self.missing - self.extra - len(self.differences)

    @property
    def match_rate(self) -> float:
        return self.matched / self.compared

    def figures(self) -> dict[str, Any]:
        """Rates, and the median and greatest size of a difference."""
        sizes = sorted(abs(one) for one in self.differences)
        return {
            "feature": f"{self.view}:{self.feature}",
            "compared": self.compared,
            "match": self.match_rate,
            "missing": self.missing / self.compared,
            "extra": self.extra / self.compared,
            "difference_p50": statistics.median(sizes) if sizes else 0.0,
            "difference_max": sizes[-1] if sizes else 0.0,
        }


def measure(connection: psycopg.Connection[Any], served: Iterable[Served]) -> list[FeatureSkew]:
    """Recompute each served moment from the archive and compare, per feature."""
    found: dict[tuple[str, str], FeatureSkew] = {}
    by_view = defaultdict(list)
    for one in served:
        by_view[one.view.name].append(one)
    for some in by_view.values():
        for start in range(0, len(some), _AT_ONCE):
            _compare(connection, some[start : start + _AT_ONCE], found)
    return list(found.values())


def _compare(
    connection: psycopg.Connection[Any],
    some: list[Served],
    found: dict[tuple[str, str], FeatureSkew],
) -> None:
    view = some[0].view
    ids, at = [one.ids for one in some], [one.at for one in some]
    lag = timedelta(seconds=max(LAG_S, view.freshness_s))
    sides = [
        known.known(connection, view, ids, at, [moment + way for moment in at])
        for way in (-lag, lag)
    ]
    # A learner's own windows are fresher than what is known about the course.
    in_courses = [one for one in sides if isinstance(one, InCourse)]
    sides += [one.beside(other) for one, other in permutations(in_courses, 2)]
    rows = [view.rows(merged) for merged in sides]
    for one, *possible in zip(some, *rows, strict=True):
        for name in (n for n in view.features if one.features is None or n in one.features):
            skew = found.setdefault((view.name, name), FeatureSkew(view.name, name))
            skew.compared += 1
            value = None if one.features is None else one.features.get(name)
            _judge(skew, value, [(row or {}).get(name) for row in possible])


def _judge(skew: FeatureSkew, value: Value, possible: Sequence[Value]) -> None:
    if value in possible:
        return
    if not isinstance(value, int | float):
        skew.missing += 1
        return
    bounds = [one for one in possible if isinstance(one, int | float)]
    if not bounds:
        skew.extra += 1
        return
    if len(bounds) == 1:  # it began to be known within the lag: either answer is right
        return
    least, most = min(bounds), max(bounds)
    slack = _CLOSE * max(1.0, abs(most))
    if not least - slack <= value <= most + slack:
        skew.differences.append(float(value - most if value > most else value - least))


def store(connection: psycopg.Connection[Any], found: Iterable[FeatureSkew]) -> None:
    """Keep the comparison, for the monitor and the panel."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO feature_skew VALUES (now(), %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(one.view, one.feature, one.compared, one.matched, one.missing, one.extra),
                    max(map(abs, one.differences), default=0.0),
                )
                for one in found
            ],
        )


def gate(found: Iterable[FeatureSkew]) -> float:
    """The share of equal values of all features together.

    Raises ``Rejected`` where it is below ``LMS_FEATURES_SKEW_MATCH_MIN``, naming the worst feature,
    and where nothing was compared: no evidence is no promotion.
    """
    every = list(found)
    compared = sum(one.compared for one in every)
    if not compared:
        raise Rejected("no served features were compared: nothing is known about their skew")
    rate = sum(one.matched for one in every) / compared
    least = FeatureSettings().skew_match_min
    if rate < least:
        worst = min(every, key=lambda one: one.match_rate)
        raise Rejected(
            f"only {rate:.4%} of served features are what the archive says, less than {least:.2%}; "
            f"the worst is {worst.view}:{worst.feature} with {worst.match_rate:.4%}",
            match=rate,
            feature=f"{worst.view}:{worst.feature}",
        )
    return rate
