"""What must be equal to what: two tables with the same key columns, compared row by row.

``CHECKS`` compares tables of the other folders by name. A check of its own is one file:
``row_by_row/<table>.sql`` says what it is about, which tables it covers, by which key, and has two
queries: ``expected``, of DuckDB's tables, and ``found``, of the analytical database or (``from:
snapshot``) of what ``snapshot.py`` loads from the feature store and Redis.
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
from pipelines.verify.behind import QUEUES, WAITING_ROWS
from stack.queries import load

ROW_BY_ROW = Path(__file__).parent / "row_by_row"

KEYS = (
    *("institution_id", "course_id", "kind", "status", "topic", "event_type", "day"),
    *("grain", "bucket_at", "started_at", "user_id", "item_id", "segment", "submission_id"),
    *("assessment_id", "question_id", "response", "arm", "model", "source", "position"),
)
"""Every other column of a compared table is a value, where a check names no key of its own."""


STRUCTURE = ("what", "id", "institution_id", "course_id")
"""The key of a course, module, item, assessment or question."""


@dataclass(frozen=True, slots=True)
class Check:
    """``left`` (expected) and ``right`` (found) are tables; ``about`` is the sentence that is true
    where they are equal."""

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
    """What runs ``found``: ``analytics``, or DuckDB for ``snapshot``."""


_BY_NAME = (
    Check("Kafka has each event once", "kafka_ids", "kafka_distinct_ids"),
    Check("Kafka has every account of the LMS", "lms_user", "kafka_users"),
    Check("Kafka has every course of the LMS", "lms_course", "kafka_courses"),
    Check("Kafka has every assessment of the LMS", "lms_assessment", "kafka_assessments"),
    Check(
        "Kafka describes every course as the LMS has it",
        "lms_structure",
        "kafka_structure",
        keys=STRUCTURE,
    ),
    Check(
        "the dimension tables have the newest description of each thing",
        "kafka_structure",
        "structure",
        ("course_dim", "module_dim", "item_dim", "assessment_dim", "question_dim"),
        STRUCTURE,
    ),
    Check("the LMS has every imported enrollment", "source_enrollments", "enrollments_of_source"),
    Check("Kafka has every enrollment of the LMS", "lms_enrollments", "kafka_enrollments"),
    Check(
        "Kafka has every completion and drop of the LMS",
        "lms_enrollment_end",
        "kafka_enrollment_ends",
    ),
    Check("the LMS has every imported submission", "source_submissions", "submissions_of_source"),
    Check("Kafka has every submission of the LMS", "lms_submissions", "kafka_submissions"),
    Check("Kafka has every grade of the LMS", "lms_graded", "kafka_grades"),
    Check("Kafka has every event about content", "expected_content", "kafka_content"),
    Check("activity per day counts every event", "expected_content", "content_day"),
    Check("activity per hour counts every event", "expected_content", "content_hour"),
    Check("activity per minute counts every event", "expected_content", "content_minute"),
    Check("activity per learner counts every event", "expected_learner_day", "learner_day"),
    Check("the archive has every event of Kafka", "kafka_archive", "archive"),
    Check(
        "each learner's day in a course is right",
        "expected_learner_days",
        "learner_days",
        ("learner_course_day",),
    ),
    Check(
        "distinct learners and time on task are right",
        "expected_course_learners",
        "course_learners",
        ("course_learners_minute", "course_learners_hour", "course_learners_day"),
    ),
    Check("each session is right", "expected_sessions", "learner_sessions", ("sessions",)),
    Check("each day of an item is right", "expected_item_days", "item_days", ("item_engagement",)),
    Check("each segment of a video is right", "expected_heat", "heat", ("video_heat",)),
    Check(
        "the moments of each enrollment are right",
        "expected_enrollment_moments",
        "enrollment_moments",
        ("learner_course",),
    ),
    Check(
        "the funnel per course and day is right",
        "expected_funnel",
        "funnel",
        ("enrollment_funnel_day",),
    ),
    Check(
        "each submission is right", "expected_submissions", "submissions", ("learner_submission",)
    ),
    Check(
        "each question's statistics are right",
        "expected_question_figures",
        "question_figures",
        ("question_stats", "question_quality"),
    ),
    Check(
        "the answers to each question are counted right",
        "expected_answer_counts",
        "answer_counts",
        ("question_answers",),
    ),
    Check(
        "each assessment's statistics are right",
        "expected_assessment_figures",
        "assessment_figures",
        ("assessment_stats",),
    ),
    Check("clocks that are ahead are known", "expected_skew", "skewed_clocks", ("clock_skew",)),
    Check(
        "what became of recommendations is counted right",
        "expected_offers",
        "offers",
        ("recommendation_feedback",),
    ),
)

_HEAD = re.compile(r"^-- (about|covers|key|from): (.+)$", re.MULTILINE)


def read(path: Path) -> Check:
    """The check of one file; raises ``Misconfigured`` naming what it lacks."""
    facts = dict(_HEAD.findall(path.read_text(encoding="utf-8")))
    queries = load(str(path), path.name)
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
        return Check(
            about, f"expected_{right}", right, (covers,), both, expected, found, "snapshot"
        )

    queries = view.queries
    yield check(view.check, name, f"features.{name}", queries["expected"], queries["found"])
    # Redis has no institution: an entity without history has none.
    joined = f"LEFT JOIN history_{name} h USING ({key})"
    yield check(
        f"the online store has the newest rows of {name}",
        f"online_{name}",
        f"redis:{name}",
        f"SELECT * REPLACE (institution_id::UUID AS institution_id) FROM history_{name}",
        "SELECT o.* REPLACE (h.institution_id::UUID AS institution_id) "
        f"FROM online_{name} o {joined}",
    )
    if view.trail is not None:
        yield check(
            f"each trail of {name} begins with the newest {view.trail.member}",
            f"trail_{name}",
            f"redis:trail_{name}",
            f"SELECT institution_id::UUID AS institution_id, {key}, {view.trail.member} AS newest "
            f"FROM history_{name}",
            f"SELECT h.institution_id::UUID AS institution_id, t.{key}, t.newest "
            f"FROM trail_{name} t {joined}",
        )


WAITING = Check(
    "nothing waits in a queue",
    "expected_waiting",
    "waiting",
    QUEUES,
    ("queue",),
    " UNION ALL ".join(f"SELECT '{name}' AS queue, 0::BIGINT AS waiting" for name in QUEUES),
    WAITING_ROWS,
)
FILES = (
    WAITING,
    *(read(path) for path in sorted(ROW_BY_ROW.glob("*.sql"))),
    *(check for view in feature_views.read_all().values() for check in of_view(view)),
)
CHECKS = (*_BY_NAME, *FILES)

NOT_COMPARED = {
    "pipelines_migrations": "which migrations were applied, by hash: prepare refuses a changed one",
    "job_starts": "where the partial sums of Flink's tables begin, which are compared",
    "stream_application": "what is known about the jobs as they run",
    "archive_kept": "how long the archive is kept and since when it is whole: a setting",
    "archive_heartbeat": "the newest heartbeat: a measurement",
    "commit_to_row": "what heartbeats measured",
    "feature_skew": "what comparing served features with the archive found",
    "features.baseline": "how features were spread, as a command found it",
    "features.drift": "what comparing features with that found",
    "erasures": "which old ids Kafka still has: verify reads Kafka's messages by it",
    "archive_marks": "from where verify itself counts on in Kafka",
    "archived_consents": "a view of the archive's rows for a feature store that begins anew",
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
            f"not true: {self.check.about}; at {place}, {self.check.left} has "
            f"{_text(self.left)}, {self.check.right} has {_text(self.right)}"
        )


def _text(values: dict[str, Any] | None) -> str:
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
