"""What was handed in and graded, per assessment and per question, by day."""

from contracts.topics import ASSESSMENTS
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="assessment_activity",
    about="submissions, grades and answers per assessment, question and day",
    reads=(ASSESSMENTS,),
    tables=(
        Table(
            "assessment_activity",
            "work handed in and graded on a day, in partial sums; a correction counts on its own day",
            """
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            assessment_id uuid NOT NULL
            day_at timestamptz NOT NULL -- start of the day (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            submitted bigint NOT NULL
            late bigint NOT NULL -- submissions after the due date, as the sender says
            graded bigint NOT NULL -- work graded for the first time
            rated bigint NOT NULL -- graded work of which is known whether it passes
            passed bigint NOT NULL -- a correction adds 1, 0 or -1
            score_sum double precision NOT NULL -- percent; a correction adds its difference
            score_squares double precision NOT NULL -- of the scores; a correction adds its difference
            """,
            key=("institution_id", "course_id", "assessment_id", "day_at", "part"),
            time="day_at",
        ),
        Table(
            "question_activity",
            "answers graded on a day, in partial sums; a correction counts on its own day",
            """
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            assessment_id uuid NOT NULL
            question_id uuid NOT NULL
            day_at timestamptz NOT NULL -- start of the day (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            answers bigint NOT NULL -- answers graded for the first time
            correct bigint NOT NULL -- a correction adds 1, 0 or -1
            points double precision NOT NULL -- a correction adds its difference
            max_points double precision NOT NULL -- points to be had for these answers
            """,
            key=(
                *("institution_id", "course_id", "assessment_id", "question_id", "day_at"),
                "part",
            ),
            time="day_at",
        ),
    ),
)
