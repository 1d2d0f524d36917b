"""A learner's work got a score."""

from __future__ import annotations

from contracts.events.assessments import AssessmentGraded
from core_lms.notifications.facts import ASSESSMENT, titles
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

KIND = Kind(
    event=AssessmentGraded,
    about="Your work was graded",
    texts={
        "en": Text(
            "{{ assessment }} was graded",
            "Your work for “{{ assessment }}” in “{{ course }}” was graded"
            "{% if passed %}: you passed{% endif %}.",
            "See the result",
        ),
        "de": Text(
            "{{ assessment }} wurde bewertet",
            "Ihre Arbeit zu „{{ assessment }}“ in „{{ course }}“ wurde bewertet"
            "{% if passed %}: bestanden{% endif %}.",
            "Ergebnis ansehen",
        ),
    },
    # Without the score: a mail or a lock screen is read by others too.
    facts=titles("passed"),
    example=ASSESSMENT | {"passed": True},
    channels=("in_app", "web_push"),
    link="/courses/{course_id}/assessments/{assessment_id}",
)
