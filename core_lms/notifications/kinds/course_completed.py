"""A learner completed a course."""

from __future__ import annotations

from contracts.events.enrollments import CourseCompleted
from core_lms.notifications.facts import COURSE, titles
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
    facts=titles(),
    example=COURSE,
    link="/courses/{course_id}",
)
