"""Somebody commented on a learner's work."""

from __future__ import annotations

from contracts.events.assessments import FeedbackGiven
from core_lms.notifications.facts import ASSESSMENT, titles
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

KIND = Kind(
    event=FeedbackGiven,
    about="There is feedback on your work",
    texts={
        "en": Text(
            "Feedback on {{ assessment }}",
            "There is feedback on your work for “{{ assessment }}” in “{{ course }}”.",
            "Read it",
        ),
        "de": Text(
            "Rückmeldung zu {{ assessment }}",
            "Zu Ihrer Arbeit „{{ assessment }}“ in „{{ course }}“ gibt es eine Rückmeldung.",
            "Lesen",
        ),
    },
    facts=titles(),
    example=ASSESSMENT,
    channels=("in_app", "email", "web_push"),
    link="/courses/{course_id}/assessments/{assessment_id}",
)
