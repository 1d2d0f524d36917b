"""Whoever completes a course gets its certificate."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.enrollments import CourseCompleted
from core_lms.certificates import service
from core_lms.inbox import Consumer
from core_lms.unit import Unit


async def handle(unit: Unit, envelope: Envelope) -> None:
    event = envelope.payload
    assert isinstance(event, CourseCompleted)
    await service.award(unit, event.enrollment_id)


CONSUMER = Consumer("certificates.issue", (CourseCompleted,), handle)
