"""A course was full: the learner waits."""

from __future__ import annotations

from contracts.events.enrollments import EnrollmentWaitlisted
from core_lms.notifications.facts import COURSE, titles
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

KIND = Kind(
    event=EnrollmentWaitlisted,
    about="You are on a waiting list",
    texts={
        "en": Text(
            "You are on the waiting list of {{ course }}",
            "“{{ course }}” is full. You are on its waiting list and will be notified when a seat "
            "is yours.",
        ),
        "de": Text(
            "Sie stehen auf der Warteliste von {{ course }}",
            "„{{ course }}“ ist voll. Sie stehen auf der Warteliste und erfahren es, sobald ein "
            "Platz frei ist.",
        ),
    },
    facts=titles(),
    example=COURSE,
    channels=("in_app",),
)
