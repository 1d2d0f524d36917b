"""From enrolling over the first activity to completing or dropping, per course and day."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="enrollment_funnel",
    about="enrolled, started, completed, dropped per course and day, and each enrollment's moments",
    tables=(
        Table(
            "learner_course",
            "the moments of a learner's enrollment in a course",
            """
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            user_id uuid NOT NULL
            enrolled_at timestamptz -- the first enrollment
            last_enrolled_at timestamptz -- the last enrollment
            first_activity_at timestamptz -- the first event about content of the course
            completed_at timestamptz
            dropped_at timestamptz -- the last drop; enrolled again where last_enrolled_at is later
            progress double precision -- percent, by the newest enrollment.progressed
            progress_at timestamptz
            progress_event_id uuid
            """,
            key=("course_id", "user_id", "institution_id"),
        ),
        Table(
            "enrollment_funnel_day",
            "enrollments that reached each stage on a day",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            enrolled bigint NOT NULL
            started bigint NOT NULL -- enrollments whose first activity is on that day
            completed bigint NOT NULL
            dropped bigint NOT NULL
            """,
            key=("course_id", "bucket_at", "institution_id"),
        ),
    ),
    reads=("learner_minute", "payload_events"),
    scratch={
        "learner_course_before": "LIKE learner_course",
        "learner_course_delta": """
            institution_id uuid, course_id uuid, user_id uuid, enrolled_at
            timestamptz, last_enrolled_at timestamptz, first_activity_at
            timestamptz, completed_at timestamptz, dropped_at timestamptz, more
            boolean
        """,
    },
)
