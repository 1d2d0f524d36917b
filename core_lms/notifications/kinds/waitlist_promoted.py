"""A seat became free and went to a learner who waited for it."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.enrollments import EnrollmentCreated
from core_lms.notifications.facts import COURSE, came_from_waitlist, of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, EnrollmentCreated)
    if not await came_from_waitlist(unit, event.enrollment_id):
        return None  # enrollment_created says it
    return await of_course(unit, event.course_id)


KIND = Kind(
    event=EnrollmentCreated,
    about="You got a seat you waited for",
    texts={
        "en": Text(
            "You have a seat in {{ course }}",
            "A seat in “{{ course }}” became free, and it is yours: you are enrolled.",
            "Open the course",
        ),
        "de": Text(
            "Sie haben einen Platz in {{ course }}",
            "In „{{ course }}“ ist ein Platz frei geworden. Sie sind jetzt eingeschrieben.",
            "Kurs öffnen",
        ),
    },
    facts=facts,
    example=COURSE,
    channels=("in_app", "email", "web_push"),
    link="/courses/{course_id}",
)
