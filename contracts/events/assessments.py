"""Submission, grading, feedback."""

from contracts.event import Event, Id, Kind, Percent, PersonId
from contracts.topics import ASSESSMENTS


class AssessmentSubmitted(Event, type="assessment.submitted", topic=ASSESSMENTS, key="user_id"):
    """A learner handed in work."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    kind: Kind


class AssessmentGraded(Event, type="assessment.graded", topic=ASSESSMENTS, key="user_id"):
    """Work got a score."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    kind: Kind
    score: Percent


class FeedbackGiven(Event, type="assessment.feedback.given", topic=ASSESSMENTS, key="user_id"):
    """Somebody commented on work; the text stays in the LMS."""

    submission_id: Id
    assessment_id: Id
    user_id: PersonId
    course_id: Id
    given_by: PersonId
