"""Has a feature drifted from how it was spread when its baseline was made? Each, and a gate.

Drift is the population stability index (PSI): the sum over bins of (now - then) * ln(now / then),
where *now* and *then* are a bin's shares of the entities (Siddiqi, Credit Risk Scorecards, 2006).
Under 0.1 is no drift, over 0.25 a different population. Bins lie between the deciles of the
baseline; a value that is a decile itself has a bin of its own, for many features are mostly 0, and
so has null. Half an entity is added to each bin, so that an empty one is no infinity. Of two
samples of one population, chance alone makes a PSI that is spread as chi-squared times (1 / n +
1 / m) (Yurdakul and Naranjo, 2020): what is below its 99.9 % is none.

Both sides are made from the archive as of their moments by what training reads, of entities with
an event in the four weeks before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from scipy.stats import chi2

from contracts.errors import Rejected
from features import known
from features.catalogue import WINDOW_VIEWS
from features.settings import FeatureSettings
from features.windowed import WindowView
from features.windows import Floats, Ints
from stack.queries import load

ENOUGH = 100
"""Of fewer entities nothing is said: chance alone would look like drift."""
SAMPLE = 2_000
"""Most entities of a view and moment that are looked at."""
_DECILES = np.arange(0, 10) / 10
_SQL = load(__file__, "sql/drift.sql")
_POPULATION = (Path(__file__).parent / "sql" / "population.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature's PSI, what chance alone may make of it, and of how many entities it is."""

    view: str
    feature: str
    psi: float
    chance: float
    now: int
    then: int

    def drifted(self, most: float) -> bool:
        """Whether it is more than ``most`` and than chance."""
        return self.judged and self.psi > max(most, self.chance)

    @property
    def judged(self) -> bool:
        return min(self.now, self.then) >= ENOUGH

    def figures(self) -> dict[str, Any]:
        return {
            "feature": f"{self.view}:{self.feature}",
            "psi": self.psi,
            "chance": self.chance,
            "now": self.now,
            "then": self.then,
            "judged": self.judged,
        }


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Create what is missing, in the schema that exists."""
    connection.execute(_SQL["create"].encode())


def make_baseline(
    connection: psycopg.Connection[Any],
    until: datetime,
    weeks: int,
    views: Mapping[str, WindowView] = WINDOW_VIEWS,
) -> dict[str, int]:
    """Store how the features of ``views`` were spread at ``weeks`` moments, a week apart, the last
    at ``until``; returns of how many entities each is. Of fewer than ``ENOUGH`` nothing is stored.

    Raises ``Rejected`` where that is so of all.
    """
    moments = [until - timedelta(weeks=week) for week in range(weeks)]
    entities, rows = {}, []
    for view in views.values():
        for name, values in _values(connection, view, moments).items():
            entities[view.name] = len(values)
            if len(values) >= ENOUGH:
                edges, expression = edges_of(values), view.features[name].expression
                counts = histogram(values, edges)
                rows.append((view.name, name, expression, until, edges.tolist(), counts.tolist()))
    if not rows:
        raise Rejected(
            f"no view has {ENOUGH} entities with an event in the weeks before {until}: "
            "there is nothing to make a baseline of"
        )
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_SQL["put_baseline"].encode(), rows)
    return entities


def measure(
    connection: psycopg.Connection[Any],
    at: datetime,
    views: Mapping[str, WindowView] = WINDOW_VIEWS,
) -> list[FeatureDrift]:
    """Compare the features as of ``at`` with their baselines, and keep the result for the metric.

    A feature without a baseline of its present expression is left out.
    """
    kept = {
        (view, name): (np.array(edges), np.array(counts))
        for view, name, expression, edges, counts in connection.execute(_SQL["baselines"].encode())
        if view in views and expression == _expression(views[view], name)
    }
    found = []
    for view in views.values():
        if view.name not in {name for name, _ in kept}:
            continue
        for name, values in _values(connection, view, [at]).items():
            if (view.name, name) in kept:
                edges, then = kept[view.name, name]
                found.append(_compared(view.name, name, values, edges, then))
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            _SQL["put_drift"].encode(),
            [(one.view, one.feature, at, one.psi) for one in found if one.judged],
        )
    return found


def _expression(view: WindowView, name: str) -> str | None:
    feature = view.features.get(name)
    return feature.expression if feature else None


def _compared(view: str, name: str, values: Floats, edges: Floats, then: Ints) -> FeatureDrift:
    now = histogram(values, edges)
    return FeatureDrift(view, name, psi(then, now), chance(then, now), len(values), int(then.sum()))


def gate(found: Iterable[FeatureDrift]) -> float:
    """The greatest PSI.

    Raises ``Rejected`` where it is above ``LMS_FEATURES_DRIFT_MAX``, naming its feature, and where
    nothing could be judged: no evidence is no promotion.
    """
    judged = [one for one in found if one.judged]
    if not judged:
        raise Rejected("no feature was compared with a baseline: nothing is known about drift")
    most = FeatureSettings().drift_max
    worst = max(judged, key=lambda one: (one.drifted(most), one.psi))
    if worst.drifted(most):
        raise Rejected(
            f"{worst.view}:{worst.feature} has drifted from its baseline: its PSI is "
            f"{worst.psi:.3f}, more than {most:g}",
            psi=worst.psi,
            feature=f"{worst.view}:{worst.feature}",
        )
    return worst.psi


def edges_of(values: Floats) -> Floats:
    """The different ones of the deciles, the least value included; none where all are null."""
    present = values[~np.isnan(values)]
    found: Floats = np.unique(np.quantile(present, _DECILES)) if len(present) else present
    return found


def histogram(values: Floats, edges: Floats) -> Ints:
    """How many values lie below, on and between the edges; the last are null."""
    present = values[~np.isnan(values)]
    bins = np.searchsorted(edges, present) + np.searchsorted(edges, present, "right")
    counts = np.bincount(bins, minlength=2 * len(edges) + 1)
    return np.append(counts, len(values) - len(present))


def psi(then: Ints, now: Ints) -> float:
    """The index of two histograms with the same bins; those that both leave empty do not count."""
    filled = (then + now) > 0
    was, is_ = ((one[filled] + 0.5) / (one.sum() + filled.sum() / 2) for one in (then, now))
    return float(np.sum((is_ - was) * np.log(is_ / was)))


def chance(then: Ints, now: Ints) -> float:
    """What the index of two samples of one population exceeds once in a thousand times."""
    bins = int(((then + now) > 0).sum())
    return float(chi2.ppf(0.999, max(bins - 1, 1)) * (1 / then.sum() + 1 / max(now.sum(), 1)))


def _values(
    connection: psycopg.Connection[Any], view: WindowView, moments: Sequence[datetime]
) -> dict[str, Floats]:
    """Every feature of a sample of entities at each moment; NaN is null."""
    keys = view.entity.keys
    statement = _POPULATION.format(
        keys=", ".join(keys), texts=", ".join(f"{key}::text" for key in keys)
    )
    asked, at = [], []
    for moment in moments:
        values = {"at": moment, "import_lag": FeatureSettings().import_lag, "most": SAMPLE}
        rows = connection.execute(statement.encode(), values).fetchall()
        asked += rows
        at += [moment] * len(rows)
    merged = known.known(connection, view, asked, at)
    return {name: some[merged.known] for name, some in view.compute(merged).items()}
