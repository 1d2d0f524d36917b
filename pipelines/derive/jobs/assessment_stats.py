"""Statistics of questions and assessments: difficulty, discrimination, scores, lateness."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="assessment_stats",
    about="per question and per assessment: shares, answers, discrimination, histogram, lateness",
    tables={"question_stats": None, "question_answers": None, "assessment_stats": None},
    due="assessment_due",
    all_due=(
        "SELECT assessment_id FROM assessment_set UNION "
        "SELECT assessment_id FROM learner_submission UNION "
        "SELECT assessment_id FROM question_response"
    ),
    needs=("assessments",),
)
