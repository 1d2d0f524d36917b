"""What must be equal to what: two tables with the same key columns, compared row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

KEYS = (
    *("institution_id", "course_id", "kind", "status", "topic", "event_type", "day"),
    *("grain", "bucket_at", "started_at", "user_id", "item_id", "segment", "submission_id"),
    *("assessment_id", "question_id", "response", "arm", "model", "source", "position"),
)
"""Every other column of a compared table is a value."""


@dataclass(frozen=True, slots=True)
class Check:
    """``left`` and ``right`` are tables; ``about`` says what they count, for people."""

    about: str
    left: str
    right: str


CHECKS = (
    Check("event ids in Kafka, all and distinct", "kafka_ids", "kafka_distinct_ids"),
    Check("accounts in the LMS and in Kafka", "lms_user", "kafka_users"),
    Check("courses in the LMS and in Kafka", "lms_course", "kafka_courses"),
    Check("work set in the LMS and in Kafka", "lms_assessment", "kafka_assessments"),
    Check("enrollments of the sources in the LMS", "source_enrollments", "enrollments_of_source"),
    Check("enrollments in the LMS and in Kafka", "lms_enrollments", "kafka_enrollments"),
    Check("completions and drops in both", "lms_enrollment_end", "kafka_enrollment_ends"),
    Check("submissions of the sources in the LMS", "source_submissions", "submissions_of_source"),
    Check("submissions in the LMS and in Kafka", "lms_submissions", "kafka_submissions"),
    Check("graded work in the LMS and in Kafka", "lms_graded", "kafka_grades"),
    Check("content events expected and in Kafka", "expected_content", "kafka_content"),
    Check("content events expected and per day", "expected_content", "content_day"),
    Check("content events expected and per hour", "expected_content", "content_hour"),
    Check("content events expected and per minute", "expected_content", "content_minute"),
    Check("content events expected and per learner", "expected_learner_day", "learner_day"),
    Check("events in Kafka and in the archive", "kafka_archive", "archive"),
    Check("each learner's day in a course", "expected_learner_days", "learner_days"),
    Check("distinct learners, time on task", "expected_course_learners", "course_learners"),
    Check("each session of each learner", "expected_sessions", "learner_sessions"),
    Check("each item's day", "expected_item_days", "item_days"),
    Check("each segment of each video", "expected_heat", "heat"),
    Check("each enrollment's moments", "expected_enrollment_moments", "enrollment_moments"),
    Check("the funnel, per course and day", "expected_funnel", "funnel"),
    Check("each submission", "expected_submissions", "submissions"),
    Check("each question's statistics", "expected_question_figures", "question_figures"),
    Check("answers to each question", "expected_answer_counts", "answer_counts"),
    Check("each assessment's statistics", "expected_assessment_figures", "assessment_figures"),
    Check("clocks that are ahead", "expected_skew", "skewed_clocks"),
    Check("what became of recommendations", "expected_offers", "offers"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row on which two tables disagree; None: the row is not there."""

    check: Check
    key: dict[str, str]
    left: dict[str, Any] | None
    right: dict[str, Any] | None

    def __str__(self) -> str:
        place = ", ".join(f"{name} {value}" for name, value in self.key.items())
        return (
            f"{self.check.about} differ at {place}: {self.check.left} has {_said(self.left)}, "
            f"{self.check.right} has {_said(self.right)}"
        )


def _said(values: dict[str, Any] | None) -> str:
    if values is None:
        return "no such row"
    return ", ".join(
        f"{value:,} {name}" if isinstance(value, int) else f"{name} {value}"
        for name, value in values.items()
    )


def first_difference(db: duckdb.DuckDBPyConnection, check: Check) -> Difference | None:
    """The difference with the smallest key, or None."""
    columns = [row[0] for row in db.execute(f"DESCRIBE {check.left}").fetchall()]
    keys = [name for name in columns if name in KEYS]
    values = [name for name in columns if name not in KEYS]
    same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM r.{name}" for name in keys)
    differ = " OR ".join(f"l.{name} IS DISTINCT FROM r.{name}" for name in values)
    key = ", ".join(f"coalesce(l.{name}, r.{name})" for name in keys)
    row = db.execute(
        f"SELECT {key}, {', '.join(f'l.{name}' for name in values)}, "
        f"{', '.join(f'r.{name}' for name in values)} "
        f"FROM {check.left} l FULL JOIN {check.right} r ON {same} WHERE {differ} "
        f"ORDER BY {', '.join(str(n + 1) for n in range(len(keys)))} LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    cut, width = len(keys), len(values)
    return Difference(
        check,
        {name: str(value) for name, value in zip(keys, row[:cut], strict=True)},
        _values(values, row[cut : cut + width]),
        _values(values, row[cut + width :]),
    )


def _values(names: list[str], found: tuple[Any, ...]) -> dict[str, Any] | None:
    if all(value is None for value in found):
        return None
    return dict(zip(names, found, strict=True))
