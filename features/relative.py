"""A learner in a course, relative to the course: what the learner's own tiles alone cannot say.

Three things are known as of a moment, online and of the past alike: the learner's tiles, how far
the learner is (``Progress``), and the course (``Course``): when its work is due, and how its
enrolled learners are spread. That spread is made by the functions here from the same windows that
are served (``Course.spread``), so an expression such as ``percentile(events_28d)`` means the same
for training and for serving.

Work is due once its due moment has passed after the learner enrolled, unless it was handed in or
taken back (archived). An enrolled learner of whom there is no event yet has done nothing, which is
something else than not being known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from contracts.tiles import Column
from features.windows import HOUR_US, Floats, Ints, Merged, Tiles

POINTS = 101
"""Most values that stand for a course's learners: a percentile is right to half a per cent."""
_WEEK_US = 7 * 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an enrolled learner is; ``submitted`` are ids of assessments handed in."""

    enrolled_us: int
    opened: int = 0
    submitted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """``items``: how many different ones its learners have opened; ``due_us``: of each assessment
    that has a due date. ``points`` and ``mean`` are of each measure, over its learners who have
    it: at most ``POINTS`` values in order."""

    items: int
    due_us: Mapping[str, int]
    points: Mapping[str, Sequence[float]] = field(default_factory=dict)
    mean: Mapping[str, float] = field(default_factory=dict)

    def spread(self, values: Mapping[str, Floats]) -> Course:
        """The same with the spread of each measure; NaN is a learner who does not have it."""
        found = {measure: np.sort(some[~np.isnan(some)]) for measure, some in values.items()}
        found = {measure: some for measure, some in found.items() if len(some)}
        return replace(
            self,
            points={measure: _points(some).tolist() for measure, some in found.items()},
            mean={measure: float(some.mean()) for measure, some in found.items()},
        )


def _points(ordered: Floats) -> Floats:
    if len(ordered) <= POINTS:
        return ordered
    # The middle of each of as many equal shares.
    found: Floats = ordered[((np.arange(POINTS) + 0.5) * len(ordered) / POINTS).astype(np.int64)]
    return found


class InCourse(Merged):
    """The windows of ``m`` questions about learners in courses, with what ``value`` adds."""

    def __init__(
        self,
        columns: Mapping[str, Column],
        tiles: Tiles,
        at_us: Ints,
        progress: Sequence[Progress | None],
        courses: Sequence[Course | None],
    ) -> None:
        super().__init__(columns, tiles, at_us)
        self._given = columns, tiles, at_us
        self.progress, self.courses = progress, courses

    def beside(self, other: InCourse) -> InCourse:
        """The same learners in the courses as ``other`` knows these."""
        return InCourse(*self._given, self.progress, other.courses)

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        enrolled = np.array([one is not None for one in self.progress], dtype=np.bool_)
        return super().known | enrolled

    def value(self, name: str) -> Floats:
        """One of ``FACTS``, or a window; NaN where the learner is not enrolled."""
        fact = FACTS.get(name)
        if fact is None:
            return super().value(name)
        return np.array(
            [
                np.nan if progress is None or course is None else fact(progress, course, at_us)
                for progress, course, at_us in zip(
                    self.progress, self.courses, self._at.tolist(), strict=True
                )
            ],
            dtype=np.float64,
        )

    def percentile(self, measure: str, own: Floats) -> Floats:
        """The share of the course's learners who have less, with half of those who have as much."""
        places = [
            (np.searchsorted(points, one) + np.searchsorted(points, one, "right")) / 2 / len(points)
            if len(points)
            else np.nan
            for points, one in zip(self._points(measure), own.tolist(), strict=True)
        ]
        return np.where(np.isnan(own), np.nan, np.array(places, dtype=np.float64))

    def median(self, measure: str, _: Floats) -> Floats:
        """Of the course's learners."""
        return np.array(
            [np.median(points) if len(points) else np.nan for points in self._points(measure)],
            dtype=np.float64,
        )

    def mean(self, measure: str, _: Floats) -> Floats:
        """Of the course's learners."""
        none = float("nan")
        return np.array(
            [none if course is None else course.mean.get(measure, none) for course in self.courses],
            dtype=np.float64,
        )

    def _points(self, measure: str) -> list[Sequence[float]]:
        return [() if course is None else course.points.get(measure, ()) for course in self.courses]


def _due(progress: Progress, course: Course, after_us: int, until_us: int) -> int:
    return sum(
        max(after_us, progress.enrolled_us) < due_us <= until_us and id_ not in progress.submitted
        for id_, due_us in course.due_us.items()
    )


FACTS: Mapping[str, Callable[[Progress, Course, int], float]] = {
    "opened": lambda progress, course, at_us: progress.opened,
    "submitted": lambda progress, course, at_us: len(progress.submitted),
    "missed": lambda progress, course, at_us: _due(progress, course, 0, at_us),
    "due_7d": lambda progress, course, at_us: _due(progress, course, at_us, at_us + _WEEK_US),
    "course_items": lambda progress, course, at_us: course.items,
}
"""What expressions may name beside windows: different items opened, assessments handed in, missed,
due in the next seven days; different items that anybody of the course has opened."""

PEERS: Mapping[str, Callable[[InCourse, str, Floats], Floats]] = {
    "percentile": InCourse.percentile,
    "median": InCourse.median,
    "mean": InCourse.mean,
}
"""Functions of expressions whose argument is a measure: any expression, of all of the course."""
