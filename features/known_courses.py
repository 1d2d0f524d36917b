"""Learners relative to their course as known at moments of the past, from the archive.

The course's spread is made anew for each course and moment: from every enrolled learner's tiles, as
these were known. Ask for few different moments of a course, such as the Mondays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from features import courses
from features.known_tiles import counted
from features.online_windows import Ids
from features.relative import Course, InCourse, Progress
from features.settings import FeatureSettings
from features.windowed import WindowView
from features.windows import Ints, Tiles
from stack.queries import load

_ARRIVED = """
(%(arrived)s >= received_at
 OR source_service = 'importer' AND %(arrived)s >= timestamp + %(import_lag)s)
"""
_SQL = {
    name: text.replace("{arrived}", _ARRIVED.strip())
    for name, text in load(__file__, "sql/known_course.sql").items()
}


def known(
    connection: psycopg.Connection[Any],
    view: WindowView,
    asked: Sequence[Ids],
    at_us: Ints,
    arrived: Sequence[datetime],
    tiles: Tiles,
) -> InCourse:
    """``asked`` (learner, course) with their ``tiles``, among what had ``arrived``."""
    together: dict[tuple[str, int, datetime], list[int]] = defaultdict(list)
    for n, ((_, course_id), at, moment) in enumerate(
        zip(asked, at_us.tolist(), arrived, strict=True)
    ):
        together[course_id, at, moment].append(n)
    progress: list[Progress | None] = [None] * len(asked)
    found: list[Course | None] = [None] * len(asked)
    for (course_id, at, moment), numbers in together.items():
        learners, course = _course(connection, view, course_id, at, moment)
        for n in numbers:
            progress[n], found[n] = learners.get(asked[n][0]), course
    return InCourse(view.tiles.columns, tiles, at_us, progress, found)


def _course(
    connection: psycopg.Connection[Any],
    view: WindowView,
    course_id: str,
    at_us: int,
    arrived: datetime,
) -> tuple[dict[str, Progress], Course]:
    values = {
        "course_id": course_id,
        "arrived": arrived,
        "import_lag": FeatureSettings().import_lag,
    }
    roster = courses.roster(connection, _SQL, values)
    everyone = (
        InCourse(
            view.tiles.columns,
            counted(connection, view, [(one, course_id) for one in some], [arrived] * len(some)),
            np.full(len(some), at_us, dtype=np.int64),
            list(some.values()),
            [roster.course] * len(some),
        )
        for some in courses.pieces(roster.progress)
    )
    return dict(roster.progress), courses.spread(roster.course, everyone, view.measures)
