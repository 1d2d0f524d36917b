"""Which handed-in work the grading service looks at."""

from __future__ import annotations

from contracts.fixtures import example_envelope
from core_lms.assessment.consumers.grading import CONSUMER


def test_work_that_answers_no_questions_costs_the_grading_service_no_transaction() -> None:
    answers = example_envelope("assessment.submitted")
    submitted = answers.payload.model_copy(update={"attempt": None})
    essay = answers.model_copy(update={"payload": submitted})
    assert CONSUMER.passes is not None
    assert CONSUMER.passes(essay)
    assert not CONSUMER.passes(answers)
