"""Statistics of questions and assessments: difficulty, discrimination, scores, lateness."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="assessment_stats",
    about="per question and per assessment: shares, answers, discrimination, histogram, lateness",
    tables=(
        Table(
            "question_stats",
            "sums per question of an assessment; the view question_quality has the ratios",
            """
            assessment_id uuid NOT NULL
            question_id uuid NOT NULL
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            attempts bigint NOT NULL
            correct bigint NOT NULL
            first_tries bigint NOT NULL -- first attempts that were judged right or wrong
            first_correct bigint NOT NULL
            spent_ms bigint NOT NULL -- of the timed answers together
            timed bigint NOT NULL -- answers with a known time
            sum_x bigint NOT NULL -- over first tries: right ones (x is 1 or 0)
            sum_y numeric NOT NULL -- over first tries: points of the submission (y)
            sum_yy numeric NOT NULL -- over first tries: y * y
            sum_xy numeric NOT NULL -- over first tries: x * y
            share_correct_first_try double precision
                GENERATED ALWAYS AS (first_correct / nullif(first_tries, 0)::double precision)
                STORED
            """,
            key=("question_id", "assessment_id"),
        ),
        Table(
            "question_answers",
            "how often each answer was given",
            """
            assessment_id uuid NOT NULL
            question_id uuid NOT NULL
            response text NOT NULL
            institution_id uuid NOT NULL
            answers bigint NOT NULL -- responses with this text
            """,
            key=("question_id", "assessment_id", "response"),
        ),
        Table(
            "assessment_stats",
            "scores, passes and lateness per assessment",
            """
            assessment_id uuid NOT NULL
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            submissions bigint NOT NULL
            learners bigint NOT NULL
            graded bigint NOT NULL
            rated bigint NOT NULL -- graded work of which is known whether it passes
            passed bigint NOT NULL
            late bigint NOT NULL
            late_by_ms bigint NOT NULL -- of late submissions together
            score_sum numeric NOT NULL -- of graded submissions, in percent
            score_histogram bigint[] NOT NULL -- ten bins of ten points, 100 in the last
            pass_rate double precision
                GENERATED ALWAYS AS (passed / nullif(rated, 0)::double precision)
                STORED
            """,
            key=("assessment_id",),
        ),
    ),
    reads=("assessment_set", "learner_submission", "question_response"),
    scratch={
        "due": "assessment_id uuid",
    },
    due="assessment_due",
    all_due=(
        "SELECT assessment_id FROM assessment_set UNION "
        "SELECT assessment_id FROM learner_submission UNION "
        "SELECT assessment_id FROM question_response"
    ),
)
