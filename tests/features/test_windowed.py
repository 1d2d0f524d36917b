"""A windowed view is its file: what it says is computed, and what is wrong with it is named."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from contracts import feature_views
from contracts.errors import Misconfigured
from contracts.tiles import LEARNER_TILES
from features import generate, windowed
from features.windows import DAY, DAYS_KEPT, HOUR_US, WINDOWS, Merged, Tiles, Window, tiles_of

VIEWS = windowed.read_all()
GOOD = (feature_views.FOLDER / "learner_windows.toml").read_text(encoding="utf-8")
NOW = int(datetime(2026, 11, 20, 10, 5, tzinfo=UTC).timestamp()) * 1_000_000
DAY_US = 24 * HOUR_US


def merged(*tiles: tuple[int, dict[str, int]]) -> Merged:
    """Of one learner: hour tiles by how long ago (microseconds), with their columns."""
    at = [NOW - ago for ago, _ in tiles]
    values = [
        [NOW - ago if name.endswith("_at") else one.get(name, 0) for name in LEARNER_TILES.columns]
        for ago, one in tiles
    ]
    hours = np.array(at, dtype=np.int64) // HOUR_US
    of_hours = Tiles.of_hours(np.zeros(len(at), dtype=np.int64), hours, np.array(values))
    return Merged(LEARNER_TILES.columns, of_hours, np.array([NOW]))


def test_the_features_of_a_learner_are_what_their_file_says() -> None:
    found = merged(
        (0, {"events": 6, "clicks": 9, "clicks_quiz": 4}),
        (
            2 * DAY_US,
            {"submissions": 1, "timed": 1, "late": 1, "graded": 2, "score_sum": 120_500_000},
        ),
        (10 * DAY_US, {"events": 9, "watched_s": 1500}),
    )
    [row] = VIEWS["learner_windows"].rows(found)
    assert row is not None
    wanted = {
        "events_1h": 6,
        "events_7d": 6,
        "events_28d": 15,
        "clicks_quiz_1d": 4,
        "days_28d": 3,
        "streak_days": 1,
        "recency_hours": 0.0,
        "trend": 2.0,
        "late_share_all": 1.0,
        "score_mean_28d": 60.25,
        "watched_s_28d": 1.5,
        "watched_s_7d": 0.0,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert isinstance(row["events_1h"], int)


def test_a_ratio_over_nothing_is_null() -> None:
    [row] = VIEWS["learner_windows"].rows(merged((0, {"events": 1})))
    assert row is not None
    assert row["trend"] is None
    assert row["score_mean_all"] is None


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_every_view_is_on_the_page_with_every_feature(view: windowed.WindowView) -> None:
    page = generate.generate()[generate.PAGE]
    section = page.split(f"## {view.name}\n")[1].split("\n## ")[0]
    assert all(f"| `{name}` |" in section for name in view.features)
    assert view.owner in section


def test_no_two_views_call_a_feature_the_same_unless_they_are_versions_of_one() -> None:
    """Feast answers by the feature's name alone."""
    names = {
        (re.sub(r"_v\d+$", "", view.name), feature)
        for view in VIEWS.values()
        for feature in view.features
    }
    assert len(names) == len({feature for _, feature in names})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('entity = "learner"', 'entity = "planet"'), "planet"),
        (('tiles = "learner_tiles"', 'tiles = "item_tiles"'), "learner_tiles"),
        (("events_7d * 3", "steps_7d * 3"), "steps_7d"),
        (("events_7d * 3", "events_9d * 3"), "events_9d"),
        (("hours_since(last_at_all)", "__import__('os')"), "no expression"),
        (('unit = "ratio"', 'colour = "red"'), "colour"),
        (('owner = "learnstream"', ""), "owner"),
    ],
)
def test_a_wrong_file_names_itself_and_the_fault(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    path = tmp_path / "some_view.toml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        windowed.read(path)
    assert complaint in str(caught.value)
    assert "some_view.toml" in str(caught.value)


def test_a_view_with_some_features_reads_and_computes_those_alone() -> None:
    view = VIEWS["learner_windows"].only(["recency_hours", "events_7d", "streak_days"])
    [row] = view.rows(merged((0, {"events": 6, "clicks": 9})))
    assert row == {"recency_hours": 0.0, "events_7d": 6, "streak_days": 1}
    assert view.windows == {WINDOWS["all"], WINDOWS["7d"], Window(DAY, DAYS_KEPT)}
    assert len(tiles_of(view.windows, NOW)) == DAYS_KEPT
