"""The recommender without a server: order, truncation, the model against popularity, ONNX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import Rejected
from features.recommender.candidates import FEATURES
from models.recommender.covisitation import first_views, item_tables
from models.recommender.dataset import Events
from models.recommender.export import score, write_ranker
from models.recommender.moment import Moment
from models.recommender.train import GATE, fit
from tests.models.archive import DAY_S, START_S, course_followers, known


def events(*rows: tuple[int, int, int], items: int = 4) -> Events:
    """Rows of (learner, item, second)."""
    learner, item, at = np.array(sorted(rows, key=lambda row: (row[0], row[2]))).T
    return Events(
        learner.astype(np.int32),
        item.astype(np.int32),
        at.astype(np.int64),
        np.ones(len(rows), dtype=bool),
        [str(number) for number in range(int(learner.max()) + 1)],
        [str(number) for number in range(items)],
        ["x"],
        np.zeros(items, dtype=np.int32),
    )


def follows(events: Events) -> dict[tuple[int, int], float]:
    tables = item_tables(events)
    return {
        (item, int(after)): float(weight)
        for item in range(len(tables.item_ids))
        for after, weight in zip(*tables.after(item), strict=True)
    }


def test_an_item_follows_those_before_it_and_not_those_after() -> None:
    pairs = follows(events((0, 0, 10), (0, 1, 20), (0, 2, 30)))
    assert set(pairs) == {(0, 1), (0, 2), (1, 2)}
    assert pairs[0, 1] > pairs[0, 2]  # the nearer one counts more


def test_what_happened_at_the_same_moment_has_no_order() -> None:
    pairs = follows(events((0, 0, 10), (0, 1, 10)))
    assert pairs[0, 1] == pairs[1, 0]


def test_views_too_far_apart_do_not_follow_each_other() -> None:
    assert follows(events((0, 0, 0), (0, 1, 40 * DAY_S))) == {}


def test_learners_are_not_mixed() -> None:
    assert follows(events((0, 0, 10), (1, 1, 20))) == {}


def test_only_the_first_view_of_an_item_counts() -> None:
    _, item, at = first_views(events((0, 0, 10), (0, 1, 20), (0, 0, 30)))
    assert list(zip(item.tolist(), at.tolist(), strict=True)) == [(0, 10), (1, 20)]


def test_nothing_after_the_cut_off_changes_what_a_moment_knows() -> None:
    events = course_followers()
    cutoff_s = START_S + 20 * DAY_S
    scrambled = np.random.default_rng(0).permutation(len(events.item_ids)).astype(np.int32)
    future = events.at >= cutoff_s
    other = replace(events, item=np.where(future, scrambled[events.item], events.item))
    one, two = (Moment(made, cutoff_s, 7 * DAY_S, known(made)) for made in (events, other))
    assert one.views_total.tolist() == two.views_total.tolist()
    assert one.tables.weights.tolist() == two.tables.weights.tolist()
    mine, theirs = _inputs(one), _inputs(two)
    both = mine.keys() & theirs.keys()
    assert len(both) > 10
    assert all(np.array_equal(mine[past], theirs[past]) for past in both)


def _inputs(moment: Moment) -> dict[tuple[object, ...], np.ndarray]:
    """The ranker's input by what had been seen."""
    return {
        (*case.recent, *case.seen): moment.candidates(case)[1]
        for case in moment.cases(1_000, seed=0)
    }


def test_what_happens_at_the_cut_off_itself_is_not_known() -> None:
    rows = [(learner, item, day * DAY_S) for learner in range(3) for item, day in ((0, 1), (1, 2))]
    made = events(*rows)
    moment = Moment(made, 2 * DAY_S, DAY_S, known(made))
    [case, *_] = moment.cases(10, seed=0)
    assert case.targets.tolist() == [1]
    assert case.features["events_28d"].tolist() == [1]


def test_of_whom_nothing_is_known_nothing_is_learned() -> None:
    made = course_followers()
    asked = known(made)

    def without_the_first(view, ids, at):  # type: ignore[no-untyped-def]
        found = asked(view, ids, at)
        silent = np.array([view.entity.name == "learner" and one == ids[0] for one in ids])
        return {name: np.where(silent, np.nan, values) for name, values in found.items()}

    cases = [
        list(Moment(made, START_S + 20 * DAY_S, 7 * DAY_S, answers).cases(1_000, seed=0))
        for answers in (asked, without_the_first)
    ]
    assert len(cases[0]) - len(cases[1]) == 1


def test_targets_are_new_items_only() -> None:
    made = course_followers()
    moment = Moment(made, START_S + 20 * DAY_S, 7 * DAY_S, known(made))
    cases = list(moment.cases(1_000, seed=0))
    assert cases
    for case in cases:
        assert not set(case.targets) & set(case.seen)
        found, _ = moment.candidates(case)
        assert not set(found.items.tolist()) & set(case.seen.tolist())


def test_on_learners_with_a_habit_the_model_beats_every_popularity() -> None:
    events = course_followers()
    _, report = fit(events, known(events))
    table = report["metrics"]
    assert table["model"][GATE] > table["popularity in course"][GATE] > 0
    assert report["promote"]
    assert {"EASE", "item-kNN"} <= table.keys()


def test_without_a_habit_the_model_is_not_promoted_for_nothing() -> None:
    events = course_followers()
    rng = np.random.default_rng(1)
    events = replace(events, item=rng.permutation(events.item))
    _, report = fit(events, known(events))
    best = report["gate"]["popularity"]
    assert report["promote"] == (report["metrics"]["model"][GATE] > best)


def test_too_little_history_is_refused_with_a_reason() -> None:
    made = events((0, 0, 10), (0, 1, 20), (1, 0, 15))
    with pytest.raises(Rejected, match="import or replay more"):
        fit(made, known(made))


def test_onnx_scores_as_the_fitted_model_does(tmp_path: Path) -> None:
    events = course_followers()
    ranker, _ = fit(events, known(events))
    write_ranker(ranker, tmp_path / "ranker.onnx")
    moment = Moment(events, START_S + 20 * DAY_S, 7 * DAY_S, known(events))
    x = np.concatenate([moment.candidates(case)[1] for case in moment.cases(1_000, seed=0)])
    assert x.shape[1] == len(FEATURES)
    expected = ranker.predict_proba(x)[:, 1]
    assert score(tmp_path / "ranker.onnx", x) == pytest.approx(expected, abs=1e-5)
