"""What must be equal to what: two tables with the same key columns, compared row by row.

``CHECKS`` compares tables of the other folders by name. A check of its own is one file:
``row_by_row/<table>.sql`` says what it is about, which tables it covers, by which key, and has two
queries: ``expected``, of DuckDB's tables, and ``found``, of the analytical database or (``from:
held``) of what ``held.py`` brings from the feature store and Redis.
The checks of a feature view follow from its declaration (``features/views/<view>.sql``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from contracts import feature_views
from contracts.errors import Misconfigured
from contracts.feature_views import View
from pipelines.derive.job import named

ROW_BY_ROW = Path(__file__).parent / "row_by_row"

KEYS = (
    *("institution_id", "course_id", "kind", "status", "topic", "event_type", "day"),
    *("grain", "bucket_at", "started_at", "user_id", "item_id", "segment", "submission_id"),
    *("assessment_id", "question_id", "response", "arm", "model", "source", "position"),
)
"""Every other column of a compared table is a value, where a check names no key of its own."""


@dataclass(frozen=True, slots=True)
class Check:
    """``left`` and ``right`` are tables; ``about`` says what they count, for people."""

    about: str
    left: str
    right: str
    covers: tuple[str, ...] = ()
    """Tables and views of the analytical database, and ``redis:…``, that nobody can change
    unnoticed."""
    keys: tuple[str, ...] = KEYS
    expected: str = ""
    """The query that makes ``left`` in DuckDB; empty where ``left`` is made elsewhere."""
    found: str = ""
    source: str = "analytics"
    """Where ``found`` is asked: ``analytics``, or ``held`` for DuckDB."""


_BY_NAME = (
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
    Check(
        "each learner's day in a course",
        "expected_learner_days",
        "learner_days",
        ("learner_course_day",),
    ),
    Check(
        "distinct learners, time on task",
        "expected_course_learners",
        "course_learners",
        ("course_learners_minute", "course_learners_hour", "course_learners_day"),
    ),
    Check("each session of each learner", "expected_sessions", "learner_sessions", ("sessions",)),
    Check("each item's day", "expected_item_days", "item_days", ("item_engagement",)),
    Check("each segment of each video", "expected_heat", "heat", ("video_heat",)),
    Check(
        "each enrollment's moments",
        "expected_enrollment_moments",
        "enrollment_moments",
        ("learner_course",),
    ),
    Check(
        "the funnel, per course and day", "expected_funnel", "funnel", ("enrollment_funnel_day",)
    ),
    Check("each submission", "expected_submissions", "submissions", ("learner_submission",)),
    Check(
        "each question's statistics",
        "expected_question_figures",
        "question_figures",
        ("question_stats", "question_quality"),
    ),
    Check(
        "answers to each question", "expected_answer_counts", "answer_counts", ("question_answers",)
    ),
    Check(
        "each assessment's statistics",
        "expected_assessment_figures",
        "assessment_figures",
        ("assessment_stats",),
    ),
    Check("clocks that are ahead", "expected_skew", "skewed_clocks", ("clock_skew",)),
    Check(
        "what became of recommendations", "expected_offers", "offers", ("recommendation_feedback",)
    ),
)

_HEAD = re.compile(r"^-- (about|covers|key|from): (.+)$", re.MULTILINE)


def read(path: Path) -> Check:
    """The check of one file; raises ``Misconfigured`` naming what it lacks."""
    facts = dict(_HEAD.findall(path.read_text(encoding="utf-8")))
    queries = named(path)
    for name in ("about", "covers", "key"):
        if name not in facts:
            raise Misconfigured(f"{path.name} lacks the line `-- {name}: …`", file=path.name)
    if set(queries) != {"expected", "found"}:
        raise Misconfigured(f"{path.name} has to name two queries: expected, found", file=path.name)
    return Check(
        facts["about"],
        f"expected_{path.stem}",
        path.stem,
        _listed(facts["covers"]),
        _listed(facts["key"]),
        queries["expected"],
        queries["found"],
        facts.get("from", "analytics"),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def of_view(view: View) -> Iterator[Check]:
    """The checks of a feature view: its newest rows against Kafka's events, the online store and
    the trail against the history."""
    name, key = view.name, view.entity.join_key

    def check(about: str, right: str, covers: str, expected: str, found: str) -> Check:
        both = ("institution_id", key)
        return Check(about, f"expected_{right}", right, (covers,), both, expected, found, "held")

    queries = view.queries
    yield check(view.check, name, f"features.{name}", queries["expected"], queries["found"])
    # Redis has no institution: an entity without history has none.
    joined = f"LEFT JOIN history_{name} h USING ({key})"
    yield check(
        f"the newest rows of {name}, offline and online",
        f"online_{name}",
        f"redis:{name}",
        f"SELECT * REPLACE (institution_id::UUID AS institution_id) FROM history_{name}",
        "SELECT o.* REPLACE (h.institution_id::UUID AS institution_id) "
        f"FROM online_{name} o {joined}",
    )
    if view.trail is not None:
        yield check(
            f"the newest of each trail of {name}",
            f"trail_{name}",
            f"redis:trail_{name}",
            f"SELECT institution_id::UUID AS institution_id, {key}, {view.trail.member} AS newest "
            f"FROM history_{name}",
            f"SELECT h.institution_id::UUID AS institution_id, t.{key}, t.newest "
            f"FROM trail_{name} t {joined}",
        )


FILES = (
    *(read(path) for path in sorted(ROW_BY_ROW.glob("*.sql"))),
    *(check for view in feature_views.read_all().values() for check in of_view(view)),
)
CHECKS = (*_BY_NAME, *FILES)

NOT_COMPARED = {
    "pipelines_migrations": "which migrations were applied, by hash: prepare refuses a changed one",
    "stream_start": "where the streaming jobs' parts begin: what it means is course_activity_*",
    "archive_kept": "how long the archive is kept and since when it is whole: a setting",
    "archive_heartbeat": "the newest heartbeat: a measurement",
    "commit_to_row": "what heartbeats measured",
    "erasures": "which old ids Kafka still has: verify reads Kafka's messages by it",
    "archive_marks": "from where verify itself counts on in Kafka",
    "archived_consents": "a view of the archive's rows for a feature store that begins anew",
    "archived_content_events": "a view of the archive's rows for rebuilds, without sums",
}
"""Tables and views of the analytical database that no check covers, and why."""


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
    keys = [name for name in columns if name in check.keys]
    values = [name for name in columns if name not in check.keys]
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
