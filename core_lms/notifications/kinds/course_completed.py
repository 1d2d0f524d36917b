"""A learner completed a course."""

from __future__ import annotations

from contracts.events.enrollments import CourseCompleted
from core_lms.notifications.facts import course_of
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

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
    facts=course_of,
    example={"course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93", "course": "Statistics"},
    link="/courses/{course_id}",
)
