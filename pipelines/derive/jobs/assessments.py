"""Assessments, submissions and answers, each by its newest event."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="assessments",
    about="assessments, submissions and answers, each by its newest event",
    tables=(
        Table(
            "assessment_set",
            "assessments as last announced",
            """
            assessment_id uuid NOT NULL
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            kind text NOT NULL
            due_at timestamptz
            weight numeric NOT NULL
            pass_score numeric -- percent
            told_at timestamptz NOT NULL -- moment of the newest event about it
            event_id uuid NOT NULL -- the newest event about it
            """,
            key=("assessment_id",),
        ),
        Table(
            "learner_submission",
            "submissions, with their newest grade",
            """
            submission_id uuid NOT NULL
            institution_id uuid NOT NULL
            assessment_id uuid NOT NULL
            course_id uuid NOT NULL
            user_id uuid NOT NULL
            submitted_at timestamptz
            attempt integer
            late boolean -- as the sender says; NULL: compare with due_at
            score numeric -- percent, by the newest grade
            passed boolean
            graded_at timestamptz
            grade_event_id uuid
            """,
            key=("submission_id",),
        ),
        Table(
            "question_response",
            "the answer to each question of a submission, as last graded",
            """
            submission_id uuid NOT NULL
            question_id uuid NOT NULL
            institution_id uuid NOT NULL
            assessment_id uuid NOT NULL
            course_id uuid NOT NULL
            user_id uuid NOT NULL
            attempt integer NOT NULL
            response text
            correct boolean
            points numeric NOT NULL
            max_points numeric NOT NULL
            spent_ms bigint -- time on the question; NULL: unknown
            graded_at timestamptz NOT NULL
            event_id uuid NOT NULL
            """,
            key=("submission_id", "question_id"),
        ),
    ),
    reads=("payload_events",),
    queues=(
        Table(
            "assessment_due",
            "assessments whose statistics are due",
            "assessment_id uuid NOT NULL",
            key=("assessment_id",),
        ),
    ),
)
