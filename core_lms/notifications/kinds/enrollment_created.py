"""A learner was enrolled in a course, straight away."""

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
    if await came_from_waitlist(unit, event.enrollment_id):
        return None  # waitlist_promoted says it in other words
    return await of_course(unit, event.course_id)


KIND = Kind(
    event=EnrollmentCreated,
    about="You were enrolled in a course",
    texts={
        "en": Text(
            "You are enrolled in {{ course }}",
            "You are now a learner of “{{ course }}”. It is open to you.",
            "Open the course",
        ),
        "de": Text(
            "Sie sind in {{ course }} eingeschrieben",
            "Sie nehmen jetzt an „{{ course }}“ teil. Der Kurs steht Ihnen offen.",
            "Kurs öffnen",
        ),
    },
    facts=facts,
    example=COURSE,
    channels=("in_app",),
    link="/courses/{course_id}",
)
