"""A learner's work got a score."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.assessments import AssessmentGraded
from core_lms.notifications.facts import of_assessment
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, AssessmentGraded)
    found = await of_assessment(unit, event.assessment_id)
    # Without the score: a mail or a lock screen is read by others too.
    return found and found | {"passed": event.passed}


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
    facts=facts,
    example={
        "assessment_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e94",
        "assessment": "Reading histograms",
        "course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93",
        "course": "Statistics",
        "passed": True,
    },
    channels=("in_app", "web_push"),
    link="/courses/{course_id}/assessments/{assessment_id}",
)
