"""Exact distinct learners of a course per minute, hour and day, and their time on task."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Sums, Table

# To add 24 hours is cheaper than to add a day, which needs the time zone.
_SPANS = {"minute": "1 minute", "hour": "1 hour", "day": "24 hours"}
_BY_LEARNER = "GROUP BY 1, 2, 3, 4"


def _table(grain: str) -> Table:
    return Table(
        f"course_learners_{grain}",
        f"distinct active learners of a course and their time on task, per {grain}",
        f"""
            bucket_at timestamptz NOT NULL -- start of the {grain} (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            learners bigint NOT NULL -- distinct learners with an event in it
            time_on_task_ms bigint NOT NULL -- from event to event of a session
        """,
        key=("bucket_at", "institution_id", "course_id"),
        time="bucket_at",
        sums=Sums(f"course_activity_{grain}", "bucket_at", _SPANS[grain], ("events",)),
    )


JOB = Derived(
    name="course_learners",
    about="distinct active learners and time on task per course and minute, hour, day",
    tables=(_table("minute"), _table("hour"), _table("day")),
    reads=("activity_events", "day_before", "learner_minute", "time_delta"),
    variants=(
        # learner_minute has one row for each minute of a learner.
        {"grain": "minute", "span": _SPANS["minute"], "group": ""},
        {"grain": "hour", "span": _SPANS["hour"], "group": _BY_LEARNER},
        {"grain": "day", "span": _SPANS["day"], "group": _BY_LEARNER},
    ),
)
