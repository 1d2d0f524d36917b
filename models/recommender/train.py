"""Fit, evaluate, export and register the recommender; promote it if it earns its place.

Time runs one way. Everything the ranker learns from ends before the evaluation's cut-off, and each
training moment computes its own statistics from what had happened by then. The item tables that are
shipped are then made again from the whole archive.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from contracts.errors import Rejected
from features.recommender.candidates import FEATURES, fingerprint
from features.recommender.tables import Floats
from models.recommender import baselines, metrics
from models.recommender.covisitation import item_tables
from models.recommender.dataset import Array, Events, load
from models.recommender.export import write_ranker
from models.recommender.moment import Known, Moment, in_archive
from models.registry import Registry
from stack import postgres

K = 10
GATE = f"ndcg@{K}"
HELD_OUT = 0.2
"""Share of the archive's events after the evaluation's cut-off."""
LONGEST_HORIZON_S = 7 * 86_400
MOMENTS = 3
"""How many weeks before the cut-off the ranker learns from."""
TRAIN_LEARNERS = 2_000
TEST_LEARNERS = 3_000
ENOUGH_LEARNERS = 10
SEED = 20_260_217


def train(until: datetime | None = None) -> dict[str, Any]:
    """Train from the archive as of ``until`` (default: now) and return the report."""
    began = time.monotonic()
    until = until or datetime.now(UTC)
    with postgres.connect_analytics(autocommit=True) as connection:
        events = load(connection, until)
        ranker, report = fit(events, in_archive(connection))
    registry = Registry("recommender")
    with registry.draft() as folder:
        write_ranker(ranker, folder / "ranker.onnx")
        item_tables(events).save(folder / "items.npz")
        manifest = {
            "model": "recommender",
            "features": list(FEATURES),
            "fingerprint": fingerprint(),
            "trained_until": _iso(float(events.at.max())),
            **report,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        version = registry.add(folder)
    if report["promote"]:
        registry.promote(version)
    return {
        **manifest,
        "version": version,
        "folder": str(registry.folder(version)),
        "live": registry.live() == version,
        "seconds": round(time.monotonic() - began, 1),
    }


def fit(events: Events, known: Known) -> tuple[Pipeline, dict[str, Any]]:
    """The ranker, and its metrics and its baselines' on the held-out time; features by ``known``.

    Raises ``Rejected`` where too few learners have a past and something new after it.
    """
    horizon_s = min(LONGEST_HORIZON_S, max(float(np.ptp(events.at)) / 10, 1.0))
    cutoff_s = float(np.floor(np.quantile(events.at, 1 - HELD_OUT)))
    xs, ys = [], []
    for back in range(MOMENTS, 0, -1):
        moment = Moment(events, cutoff_s - back * horizon_s, horizon_s, known)
        x, y = _examples(moment, seed=SEED + back)
        xs.append(x)
        ys.append(y)
    x, y = np.concatenate(xs), np.concatenate(ys)
    if len(np.unique(y)) < 2:
        raise Rejected(
            f"the archive's {len(events)} events hold too few learners who opened something new "
            "after they had opened something else: import or replay more first",
            events=len(events),
        )
    ranker = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)
    table, learners = _evaluate(ranker, Moment(events, cutoff_s, horizon_s, known))
    model = table["model"][GATE]
    best = max(row[GATE] for name, row in table.items() if name.startswith("popularity"))
    return ranker, {
        "events": len(events),
        "learners": int(events.learner.max()) + 1,
        "items": len(events.item_ids),
        "examples": len(y),
        "cutoff": _iso(cutoff_s),
        "horizon_days": round(horizon_s / 86_400, 3),
        "test_learners": learners,
        "metrics": table,
        "gate": {"metric": GATE, "model": model, "popularity": best},
        "promote": model > best,
    }


def _examples(moment: Moment, seed: int) -> tuple[Floats, Array]:
    xs = [np.empty((0, len(FEATURES)), dtype=np.float32)]
    ys = [np.empty(0, dtype=bool)]
    for case in moment.cases(TRAIN_LEARNERS, seed):
        found, x = moment.candidates(case)
        xs.append(x)
        ys.append(np.isin(found.items, case.targets))
    return np.concatenate(xs), np.concatenate(ys)


def _evaluate(ranker: Pipeline, moment: Moment) -> tuple[dict[str, dict[str, float]], int]:
    cases = list(moment.cases(TEST_LEARNERS, SEED))
    if len(cases) < ENOUGH_LEARNERS:
        raise Rejected(
            f"only {len(cases)} learners opened something new after {_iso(moment.cutoff_s)}; at "
            f"least {ENOUGH_LEARNERS} are needed to judge a model: import or replay more first",
            learners=len(cases),
        )
    ranked: dict[str, list[list[int]]] = {"model": []}
    for case in cases:
        found, x = moment.candidates(case)
        best = np.argsort(-ranker.predict_proba(x)[:, 1], kind="stable")[:K]
        ranked["model"].append(found.items[best].tolist())
    for name, scores in baselines.feasible(moment).items():
        ranked[name] = [baselines.top(scores(case), case.seen, K) for case in cases]
    known = int((moment.views_total > 0).sum())
    targets = [set(case.targets.tolist()) for case in cases]
    return {name: _row(lists, targets, known) for name, lists in ranked.items()}, len(cases)


def _row(lists: list[list[int]], targets: list[set[int]], known: int) -> dict[str, float]:
    pairs = list(zip(lists, targets, strict=True))
    return {
        f"recall@{K}": _mean(metrics.recall(ranked, wanted, K) for ranked, wanted in pairs),
        f"ndcg@{K}": _mean(metrics.ndcg(ranked, wanted, K) for ranked, wanted in pairs),
        f"coverage@{K}": round(metrics.coverage(lists, known, K), 4),
    }


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 4)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
