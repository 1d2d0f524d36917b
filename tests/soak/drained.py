"""Whether all that was written has come through to the last table, and if not, what waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from contracts.errors import LearnstreamError
from pipelines import application, cluster
from pipelines.verify.behind import QUEUES
from stack.local.report import statuses
from stack.postgres import connect_analytics

_ARCHIVED = """
SELECT count(*) FROM activity_events WHERE institution_id = %s
"""
_COUNTED = """
SELECT coalesce(sum(events), 0)::bigint FROM course_activity_day WHERE institution_id = %s
"""

_UNCOUNTED = {
    "offers": """
SELECT (SELECT count(*) FROM activity_events
        WHERE institution_id = %(institution)s AND topic = 'lms.recommendations.events')
    - (SELECT coalesce(sum(shown + clicked + dismissed + converted), 0)
       FROM recommendation_activity WHERE institution_id = %(institution)s)
""",
    "submissions": """
SELECT (SELECT count(*) FROM activity_events
        WHERE institution_id = %(institution)s AND event_type = 'assessment.submitted')
    - (SELECT coalesce(sum(submitted), 0) FROM assessment_activity
       WHERE institution_id = %(institution)s)
""",
    "enrollments": """
SELECT (SELECT count(*) FROM activity_events
        WHERE institution_id = %(institution)s AND event_type = 'enrollment.created')
    - (SELECT coalesce(sum(enrolled), 0) FROM enrollment_activity
       WHERE institution_id = %(institution)s)
""",
}
"""What Flink has not counted yet of topics that it reads at their own pace."""


def wait(
    institution_id: str, events: int, content: int, within_s: float, components: frozenset[str]
) -> str | None:
    """None once ``events`` are archived, ``content`` of them counted by Flink, and every queue is
    empty; else what still waits after ``within_s``.
    """
    deadline = time.monotonic() + within_s
    while waiting := waits(institution_id, events, content, components):
        if time.monotonic() > deadline:
            return f"after {within_s:.0f} s {waiting}"
        time.sleep(0.5)
    return None


def waits(institution_id: str, events: int, content: int, components: frozenset[str]) -> str | None:
    """The first thing on the way from the outbox to the tables that is not done; None: all is."""
    down = [one.name for one in statuses() if one.name in components and one.state != "ready"]
    if down:
        return f"{', '.join(down)} not ready"
    try:
        waiting = _first(
            ("events are archived", lambda: _one(_ARCHIVED, [institution_id]), events),
            *((f"rows wait in {table}", _queue(table), 0) for table in QUEUES),
            ("events are counted by Flink", lambda: _one(_COUNTED, [institution_id]), content),
            *(
                (f"{what} wait for Flink", _uncounted(query, institution_id), 0)
                for what, query in _UNCOUNTED.items()
            ),
        )
        return waiting or _flink()
    except (psycopg.Error, LearnstreamError) as error:
        return f"a component is away: {error}"


def _first(*looks: tuple[str, Callable[[], int], int]) -> str | None:
    for what, look, wanted in looks:
        if (found := look()) != wanted:
            return f"{found:,} {what}, {wanted:,} are expected"
    return None


def _flink() -> str | None:
    alive = cluster.running(application.NAME)
    if alive is None or alive.state != "RUNNING":
        return f"the Flink application is {alive.state if alive else 'not running'}"
    return None


def _queue(table: str) -> Callable[[], int]:
    return lambda: _one(f"SELECT count(*) FROM {table}")


def _uncounted(query: str, institution_id: str) -> Callable[[], int]:
    return lambda: _one(query, {"institution": institution_id})


def _one(query: str, parameters: Any = ()) -> int:
    with connect_analytics(connect_timeout=5) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row else 0
