"""A course and its learners, out of rows: one way for the past and for what is served."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import psycopg

from features import consent, expressions
from features.relative import Course, InCourse, Progress
from features.windows import Floats

AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Roster:
    """How far each enrolled learner is who agrees to features, and the course without a spread."""

    progress: Mapping[str, Progress]
    course: Course


def roster(
    connection: psycopg.Connection[Any],
    statements: Mapping[str, str],
    values: Mapping[str, object],
) -> Roster:
    """By the statements ``learners`` and ``due`` of ``known_course.sql`` or ``course_now.sql``."""
    rows = connection.execute(statements["learners"].encode(), values).fetchall()
    due = connection.execute(statements["due"].encode(), values).fetchall()
    agreed = consent.permitted(connection, {user_id: where for user_id, where, *_ in rows})
    return Roster(
        {
            user_id: Progress(enrolled_us, opened, submitted)
            for user_id, _, enrolled_us, opened, submitted, _ in rows
            if user_id in agreed
        },
        Course(rows[0][-1] if rows else 0, dict(due)),
    )


def pieces(progress: Mapping[str, Progress]) -> Iterator[dict[str, Progress]]:
    """The learners of a course, so many at a time as fit in memory with their tiles."""
    everybody = iter(progress.items())
    while some := dict(islice(everybody, AT_ONCE)):
        yield some


def spread(course: Course, everyone: Iterable[InCourse], measures: Collection[str]) -> Course:
    """The course with how its learners are spread in each measure."""
    values: dict[str, list[Floats]] = {measure: [] for measure in measures}
    for some in everyone:
        for measure in measures:
            values[measure].append(expressions.compiled(measure)(some))
    none = [np.empty(0)]
    return course.spread(
        {measure: np.concatenate(found or none) for measure, found in values.items()}
    )
