"""What work there is, its submission, grading question by question, feedback."""

from typing import Annotated

from pydantic import Field

from contracts.event import (
    Event,
    Id,
    Kind,
    Percent,
    PersonId,
    Seconds,
    ShortText,
    Timestamp,
)
from contracts.topics import ASSESSMENTS

Attempt = Annotated[int, Field(ge=1, le=10_000)]
"""Which of the learner's attempts at an assessment, from 1."""

Points = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class AssessmentCreated(Event, type="assessment.created", topic=ASSESSMENTS, key="assessment_id"):
    """Work was set in a course."""

    assessment_id: Id
    course_id: Id
    kind: Kind
    due_at: Timestamp | None = None
    weight: Percent
    pass_score: Percent | None = None


class AssessmentUpdated(Event, type="assessment.updated", topic=ASSESSMENTS, key="assessment_id"):
    """The work, its due date or its rules changed; the fields tell how it is now."""

    assessment_id: Id
    course_id: Id
    kind: Kind
    due_at: Timestamp | None = None
    weight: Percent
    pass_score: Percent | None = None


class AssessmentSubmitted(
    Event, type="assessment.submitted", topic=ASSESSMENTS, key="user_id", learner_action=True
):
    """A learner handed in work."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    kind: Kind
    attempt: Attempt | None = None
    late: bool | None = None
    """None where the work has no due date."""


class QuestionGraded(
    Event, type="assessment.question.graded", topic=ASSESSMENTS, key="user_id", version=2
):
    """One question of handed-in work got its points; a regrade tells it again."""

    submission_id: Id
    assessment_id: Id
    question_id: Id
    user_id: PersonId
    course_id: Id
    kind: Kind
    """The question's kind: ``single``, ``numeric``."""
    attempt: Attempt
    response: ShortText | None = None
    """Ids of the choices taken, joined by commas, or a plain number; never what somebody wrote."""
    correct: bool | None = None
    """None where right and wrong is not the measure, as in an essay."""
    points: Points
    previous_points: Points | None = None
    """What these points replace; None: the first grading."""
    previous_correct: bool | None = None
    max_points: Points
    seconds: Seconds | None = None
    """How long the learner had this question open, where the client reports it."""


class AssessmentGraded(
    Event, type="assessment.graded", topic=ASSESSMENTS, key="user_id", version=2
):
    """Work got a score; a later one replaces it."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    kind: Kind
    score: Percent
    passed: bool | None = None
    """None where the work has no score that passes."""
    previous_score: Percent | None = None
    """What this score replaces; None: the first grading."""
    previous_passed: bool | None = None
    attempt: Attempt | None = None


class FeedbackGiven(Event, type="assessment.feedback.given", topic=ASSESSMENTS, key="user_id"):
    """Somebody commented on work; the text stays in the LMS."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    given_by: PersonId
