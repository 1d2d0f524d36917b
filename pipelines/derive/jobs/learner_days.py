"""When a learner worked in a course on a day, and how long."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Sums, Table

JOB = Derived(
    name="learner_days",
    about="time on task, first and last event per learner, course and day",
    tables=(
        Table(
            "learner_course_day",
            "when a learner worked in a course on a day, and how long",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            user_id uuid NOT NULL
            time_on_task_ms bigint NOT NULL DEFAULT 0 -- from event to event of a session
            first_at timestamptz -- the first event of the day
            last_at timestamptz -- the last event of the day
            """,
            key=("bucket_at", "institution_id", "course_id", "user_id"),
            time="bucket_at",
            sums=Sums(
                "learner_tiles", "hour_at", "24 hours", ("events", "clicks", "views", "completions")
            ),
        ),
    ),
    reads=("day_before", "learner_minute", "time_delta"),
)
