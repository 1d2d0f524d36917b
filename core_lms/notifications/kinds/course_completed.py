"""A learner completed a course."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.enrollments import CourseCompleted
from core_lms.notifications.facts import of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, CourseCompleted)
    return await of_course(unit, event.course_id)


KIND = Kind(
    event=CourseCompleted,
    about="You completed a course",
    texts={
        "en": Text(
            "You completed {{ course }}",
            "Congratulations: you have done everything that “{{ course }}” asks for.",
            "Back to the course",
        ),
        "de": Text(
            "{{ course }} abgeschlossen",
            "Glückwunsch: Sie haben alles erledigt, was „{{ course }}“ verlangt.",
            "Zum Kurs",
        ),
    },
    facts=facts,
    example={"course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93", "course": "Statistics"},
    link="/courses/{course_id}",
)
