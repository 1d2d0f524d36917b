"""Somebody commented on a learner's work."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.assessments import FeedbackGiven
from core_lms.notifications.facts import of_assessment
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, FeedbackGiven)
    return await of_assessment(unit, event.assessment_id)


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
    facts=facts,
    example={
        "assessment_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e94",
        "assessment": "Reading histograms",
        "course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93",
        "course": "Statistics",
    },
    channels=("in_app", "email", "web_push"),
    link="/courses/{course_id}/assessments/{assessment_id}",
)
