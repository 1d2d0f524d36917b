"""A teacher asked somebody into a course."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.enrollments import EnrollmentInvited
from core_lms.notifications.facts import COURSE, invitation_open, of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, EnrollmentInvited)
    if not await invitation_open(unit, event.enrollment_id):
        return None
    return await of_course(unit, event.course_id)


KIND = Kind(
    event=EnrollmentInvited,
    about="You were invited to a course",
    texts={
        "en": Text(
            "You are invited to {{ course }}",
            "You may join “{{ course }}”. Only once you accept do its teachers see you and what "
            "you do in it.",
            "See the course",
        ),
        "de": Text(
            "Einladung zu {{ course }}",
            "Sie können an „{{ course }}“ teilnehmen. Erst wenn Sie annehmen, sehen die Lehrenden "
            "Sie und was Sie dort tun.",
            "Kurs ansehen",
        ),
    },
    facts=facts,
    example=COURSE,
    link="/courses/{course_id}",
)
