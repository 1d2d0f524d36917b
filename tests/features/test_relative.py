"""A learner in a course is compared with the course: pace, rank, score, and what is due."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts import feature_views
from contracts.errors import Misconfigured
from contracts.tiles import LEARNER_TILES
from features import courses, windowed
from features.relative import POINTS, Course, InCourse, Progress
from features.windows import HOUR_US, Tiles

VIEW = windowed.read_all()["learner_course_relative"]
GOOD = (feature_views.FOLDER / "learner_course_relative.toml").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


ENROLLED = Progress(us(NOW - 40 * DAY))


def in_course(
    *learners: tuple[dict[str, int], Progress | None], course: Course | None, at: datetime = NOW
) -> InCourse:
    """Learners with what they did yesterday (columns of a tile; nothing: no tile)."""
    did = [(n, sums) for n, (sums, _) in enumerate(learners) if sums]
    values = [[sums.get(name, 0) for name in LEARNER_TILES.columns] for _, sums in did]
    tiles = Tiles.of_hours(
        np.array([n for n, _ in did], dtype=np.int64),
        np.full(len(did), us(NOW - DAY) // HOUR_US),
        np.array(values, dtype=np.int64).reshape(-1, len(LEARNER_TILES.columns)),
    )
    return InCourse(
        LEARNER_TILES.columns,
        tiles,
        np.full(len(learners), us(at)),
        [progress for _, progress in learners],
        [course] * len(learners),
    )


def rows(*learners: tuple[dict[str, int], Progress | None], **course: Any) -> list[Any]:
    """The features of each of a course's learners, among those who are enrolled."""
    plain = Course(course.pop("items", 10), course.pop("due_us", {}))
    at = course.pop("at", NOW)
    enrolled = [one for one in learners if one[1] is not None]
    spread = courses.spread(plain, [in_course(*enrolled, course=plain, at=at)], VIEW.measures)
    return VIEW.rows(in_course(*learners, course=spread, at=at))


def test_pace_rank_and_score_are_those_among_the_courses_learners() -> None:
    ana, bo, cy = rows(
        ({"events": 9, "graded": 2, "score_sum": 180_000_000}, Progress(0, 6, ["a", "b"])),
        ({"events": 3, "graded": 1, "score_sum": 60_000_000}, Progress(0, 4, ["a"])),
        ({}, Progress(0)),
    )
    assert (ana["opened_share"], ana["opened_pace"], ana["work_pace"]) == (0.6, 1.5, 2)
    assert [one["opened_percentile"] for one in (ana, bo, cy)] == pytest.approx(
        [5 / 6, 1 / 2, 1 / 6]
    )
    assert [one["events_percentile_28d"] for one in (cy, bo)] == pytest.approx([1 / 6, 1 / 2])
    assert (ana["score_over_mean"], bo["score_over_mean"]) == (15, -15)
    assert cy["score_over_mean"] is None
    assert ana["late_over_mean"] is None


def test_of_those_with_as_much_half_count_as_less() -> None:
    found = rows(*[({"events": 1}, Progress(0))] * 4)
    assert {one["events_percentile_all"] for one in found} == {0.5}


def test_who_is_enrolled_and_silent_has_done_nothing_and_who_is_neither_is_unknown() -> None:
    active, silent, nobody, guest = rows(
        ({"events": 5}, Progress(0, 3)),
        ({}, Progress(0)),
        ({}, None),
        ({"events": 4}, None),
    )
    assert (silent["opened_share"], silent["missed"]) == (0, 0)
    assert silent["events_percentile_28d"] < active["events_percentile_28d"]
    assert nobody is None
    assert guest["opened_share"] is None
    assert guest["missed"] is None
    assert guest["events_percentile_28d"] == 0.5  # the course's learners are the other two


def test_work_becomes_due_and_missed_as_time_passes_and_not_once_it_is_handed_in() -> None:
    due = {"early": us(NOW - 50 * DAY), "soon": us(NOW + 2 * DAY), "later": us(NOW + 20 * DAY)}
    lazy, keen = ({}, ENROLLED), ({}, Progress(us(NOW - 40 * DAY), 0, ["soon"]))

    def counts(at: datetime) -> list[tuple[int, int]]:
        return [(one["missed"], one["due_7d"]) for one in rows(lazy, keen, due_us=due, at=at)]

    assert counts(NOW) == [(0, 1), (0, 0)]  # "early" was due before they enrolled
    assert counts(NOW + 2 * DAY) == [(1, 0), (0, 0)]
    assert counts(NOW + 14 * DAY) == [(1, 1), (0, 1)]
    assert counts(NOW + 21 * DAY) == [(2, 0), (1, 0)]


def test_a_large_course_is_kept_as_few_points_and_ranks_stay_right_to_half_a_per_cent() -> None:
    events = np.random.default_rng(7).permutation(3_000) + 1
    found = rows(*(({"events": int(one)}, Progress(0)) for one in events))
    ranks = np.array([one["events_percentile_all"] for one in found])
    assert np.abs(ranks - (events - 0.5) / 3_000).max() <= 0.5 / POINTS + 0.5 / 3_000
    assert len(set(ranks.tolist())) > POINTS


def test_a_silent_learner_falls_behind_without_any_event() -> None:
    learners = [({"events": 5}, Progress(0)), ({"events": 2}, Progress(0))]
    course = courses.spread(
        Course(1, {}), [in_course(*learners, course=Course(1, {}))], VIEW.measures
    )
    then = VIEW.rows(in_course(learners[0], course=course))
    later = VIEW.rows(in_course(learners[0], course=course, at=NOW + 40 * DAY))
    [now_, after] = [row["events_percentile_28d"] for [row] in (then, later) if row]
    assert (now_, after) == (0.75, 0.0)


def test_without_what_is_known_of_the_course_nothing_is_compared() -> None:
    [row] = VIEW.rows(in_course(({"events": 5}, ENROLLED), course=None))
    assert row is not None
    assert set(row.values()) == {None}


def test_a_view_says_what_it_compares() -> None:
    assert "events_28d" in VIEW.measures
    assert VIEW.relative
    others = [one for one in windowed.read_all().values() if one.entity.name != "learner_course"]
    assert not any(one.relative or one.measures for one in others)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("percentile(opened)", "percentile(events_1d)"), "by the hour"),
        (("percentile(opened)", "percentile(median(opened))"), "no measure"),
        (("percentile(opened)", "percentile(opened, missed)"), "no expression"),
        (("percentile(opened)", "percentile(missing)"), "no missing"),
        (('entity = "learner_course"', 'entity = "learner"'), "has no"),
    ],
)
def test_a_wrong_comparison_is_named(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    path = tmp_path / "some_view.toml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(Misconfigured, match=complaint):
        windowed.read(path)


def test_a_mean_is_over_all_and_not_over_the_points_that_are_kept() -> None:
    values = np.array([0.0] * 900 + [100.0] * 100 + [math.nan])
    course = Course(1, {}).spread({"some": values, "none": np.array([math.nan])})
    assert course.mean == {"some": 10.0}
    assert len(course.points["some"]) == POINTS
