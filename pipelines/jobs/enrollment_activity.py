"""How many enrolled in a course, completed it or dropped out, by day."""

from contracts.topics import ENROLLMENTS
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="enrollment_activity",
    about="enrolled, completed, dropped per course and day",
    reads=(ENROLLMENTS,),
    tables=(
        Table(
            "enrollment_activity",
            "enrollments that began and ended in a course on a day, in partial sums",
            """
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            day_at timestamptz NOT NULL -- start of the day (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            enrolled bigint NOT NULL -- whoever enrolls again counts again
            completed bigint NOT NULL
            dropped bigint NOT NULL
            """,
            key=("institution_id", "course_id", "day_at", "part"),
            time="day_at",
        ),
    ),
)
