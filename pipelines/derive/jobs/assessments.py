"""What work was set, handed in and graded, question by question, as last told."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="assessments",
    about="assessments, submissions and answers, each as last told",
    tables={"assessment_set": None, "learner_submission": None, "question_response": None},
)
