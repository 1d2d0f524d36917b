"""What a learner did in a course on a day, and how long they worked."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="learner_days",
    about="events, views, completions, time on task per learner, course and day",
    tables=(
        Table(
            "learner_course_day",
            "what a learner did in a course on a day",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            user_id uuid NOT NULL
            events bigint NOT NULL
            clicks bigint NOT NULL -- as content.viewed counts them
            views bigint NOT NULL DEFAULT 0
            completions bigint NOT NULL DEFAULT 0
            time_on_task_ms bigint NOT NULL DEFAULT 0 -- from event to event of a session
            first_at timestamptz -- the first event of the day
            last_at timestamptz -- the last event of the day
            """,
            key=("bucket_at", "institution_id", "course_id", "user_id"),
            time="bucket_at",
        ),
    ),
    reads=("day_before", "learner_minute", "time_delta"),
)
