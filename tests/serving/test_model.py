"""The live model: loaded from artefacts, replaced on the fly, refused if made for other code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from features.recommender.candidates import FEATURES, ITEM, LEARNER, fingerprint, gather
from models.recommender.covisitation import item_tables
from models.recommender.export import write_ranker
from models.recommender.moment import Case, Moment
from models.recommender.train import fit
from models.registry import Registry
from serving.model import LiveModel
from tests.models.archive import DAY_S, course_followers, known


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    return Registry("recommender")


EVENTS = course_followers()
ANSWERS = known(EVENTS)


def publish(registry: Registry, note: str, made_for: str | None = None) -> str:
    ranker, _ = fit(EVENTS, ANSWERS)
    with registry.draft() as folder:
        write_ranker(ranker, folder / "ranker.onnx")
        item_tables(EVENTS).save(folder / "items.npz")
        manifest = {
            "fingerprint": made_for or fingerprint(),
            "features": list(FEATURES),
            "trained_until": "2026-11-01T00:00:00Z",
            "note": note,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
        version = registry.add(folder)
    registry.promote(version)
    return version


def test_a_promoted_model_becomes_live_and_the_next_one_replaces_it(registry: Registry) -> None:
    live = LiveModel(registry.root)
    assert not live.refresh()
    assert live.current is None
    assert "learnstream train recommender" in str(live.problem)
    first = publish(registry, "first")
    assert live.refresh()
    assert live.current is not None
    assert live.current.version == first
    assert not live.refresh()
    second = publish(registry, "second")
    assert live.refresh()
    assert live.current.version == second


def test_a_model_made_for_other_definitions_leaves_the_one_before_it_in_place(
    registry: Registry,
) -> None:
    live = LiveModel(registry.root)
    good = publish(registry, "good")
    live.refresh()
    publish(registry, "stranger", made_for="0123456789abcdef")
    assert not live.refresh()
    assert live.current is not None
    assert live.current.version == good
    assert "other feature definitions" in str(live.problem)


def test_serving_scores_a_learner_as_training_did(registry: Registry) -> None:
    """The same past through both paths: same candidates, same probabilities."""
    publish(registry, "parity")
    live = LiveModel(registry.root)
    live.refresh()
    model = live.current
    assert model is not None
    ranker, _ = fit(EVENTS, ANSWERS)
    moment = Moment(EVENTS, float(EVENTS.at.max()) + 1, DAY_S, ANSWERS)
    at = datetime.fromtimestamp(moment.cutoff_s, UTC)
    names = model.tables.item_ids
    starts = np.flatnonzero(np.diff(EVENTS.learner, prepend=-1))
    for start, end in zip(starts[:10], [*starts[1:11]], strict=True):
        past = slice(int(start), int(end))
        recent, seen = moment.recent(past), np.unique(EVENTS.item[past])
        learner = ANSWERS(LEARNER, [(EVENTS.learner_ids[EVENTS.learner[start]],)], at)
        last = model.known([names[item] for item in recent])
        offered = gather(model.tables, last, model.known([names[item] for item in seen]))
        items = ANSWERS(ITEM, [(names[item],) for item in offered.items], at)
        ranked = model.rank(last, offered, learner, items)
        found, x = moment.candidates(Case(recent, learner, seen, seen))
        assert ranked.candidates.items.tolist() == found.items.tolist()
        assert ranked.scores == pytest.approx(ranker.predict_proba(x)[:, 1], abs=1e-5)
