"""What the ranker sees, on a catalogue small enough to compute by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features import windows
from features.recommender.candidates import FEATURES, fingerprint, gather, matrix
from features.recommender.tables import ItemTables
from stack.profile import REPOSITORY

# Items 0-3 in course 0, item 4 in course 1. After 0: 1 (0.5), 2 (0.2). After 1: 2 (0.4).
TABLES = ItemTables(
    item_ids=["a", "b", "c", "d", "e"],
    course_ids=["x", "y"],
    course_of=np.array([0, 0, 0, 0, 1], dtype=np.int32),
    starts=np.array([0, 2, 3, 3, 3, 3], dtype=np.int32),
    followers=np.array([1, 2, 2], dtype=np.int32),
    weights=np.array([0.5, 0.2, 0.4], dtype=np.float32),
    views=np.array([9, 8, 7, 6, 5], dtype=np.float32),
    popular=np.array([0, 4], dtype=np.int32),
    popular_in=np.array([[0, 3], [4, -1]], dtype=np.int32),
)


def test_candidates_are_followers_and_busiest_without_the_seen_and_the_excluded() -> None:
    found = gather(TABLES, recent=[1, 0], exclude=[4])
    assert found.items.tolist() == [2, 3]
    assert found.follows_last.tolist() == pytest.approx([0.4, 0])
    assert found.follows_recent.tolist() == pytest.approx([0.4 + 0.8 * 0.2, 0])
    assert found.links.tolist() == [2, 0]
    assert found.anchors.tolist() == [1, -1]


def test_a_learner_without_a_past_is_offered_what_is_busiest() -> None:
    assert gather(TABLES, recent=[], exclude=[]).items.tolist() == [0, 4]


def test_the_matrix_is_what_its_column_names_say() -> None:
    found = gather(TABLES, recent=[0], exclude=[])
    assert found.items.tolist() == [1, 2, 3, 4]
    learner = {"events_28d": np.array([3.0]), "recency_hours": np.array([100.0])}
    items = {
        "item_views_all": np.array([7.0, 1, np.nan, 3]),
        "item_views_7d": np.array([2.0, 0, np.nan, 1]),
        "item_recency_hours": np.array([100.0 - 24, 100 + 48, np.nan, 0]),
    }
    x = dict(zip(FEATURES, matrix(TABLES, [0], found, learner, items).T.tolist(), strict=True))
    assert x["follows_last"] == pytest.approx([0.5, 0.2, 0, 0])
    assert x["log_views"] == pytest.approx(np.log([8, 2, 1, 4]))
    assert x["log_views_below_best"] == pytest.approx(np.log([1, 2 / 8, 1 / 8, 1]), abs=1e-6)
    assert x["log_views_7d"] == pytest.approx(np.log([3, 1, 1, 2]))
    assert x["days_since_used_by_others"] == pytest.approx([1, -2, -30, 100 / 24])
    assert x["log_events"] == pytest.approx([np.log(4)] * 4)
    assert x["same_course"] == [1, 1, 1, 0]
    assert x["course_share"] == [1, 1, 1, 0]


def test_a_learner_of_whom_nothing_is_known_comes_after_everybody() -> None:
    found = gather(TABLES, recent=[0], exclude=[])
    nothing = np.array([np.nan])
    learner = {"events_28d": nothing, "recency_hours": nothing}
    items = {
        "item_views_all": np.ones(4),
        "item_views_7d": np.ones(4),
        "item_recency_hours": np.array([1, 1, np.nan, 900]),
    }
    x = dict(zip(FEATURES, matrix(TABLES, [0], found, learner, items).T.tolist(), strict=True))
    assert x["log_events"] == [0] * 4
    assert x["days_since_used_by_others"] == [30, 30, -30, 30]


def test_another_meaning_of_a_window_is_another_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = fingerprint()
    monkeypatch.setitem(windows.WINDOWS, "7d", windows.Window(windows.DAY, 6))  # type: ignore[arg-type]
    assert fingerprint() != before


def test_tables_come_back_as_they_were_saved(tmp_path: Path) -> None:
    TABLES.save(tmp_path / "items.npz")
    loaded = ItemTables.load(tmp_path / "items.npz")
    assert loaded.item_ids == TABLES.item_ids
    assert gather(loaded, [1, 0], []).items.tolist() == gather(TABLES, [1, 0], []).items.tolist()


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from features.recommender.candidates import fingerprint; print(fingerprint())",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert done.stdout.strip() == fingerprint()


def test_reading_features_online_does_not_import_feast() -> None:
    code = "import sys, features.online_windows, features.trail; sys.exit('feast' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
