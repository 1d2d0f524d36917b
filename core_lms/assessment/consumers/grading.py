"""The grading service: reads events of handed-in work and grades what a key can decide."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.envelope import Envelope
from contracts.events.assessments import AssessmentSubmitted
from core_lms.assessment import grading
from core_lms.inbox import Consumer
from core_lms.unit import Unit


def passes(envelope: Envelope) -> bool:
    """Work that asks no questions is graded by whoever it was handed to, not by us."""
    submitted = envelope.payload
    return isinstance(submitted, AssessmentSubmitted) and submitted.attempt is None


async def handle(unit: Unit, envelope: Envelope) -> None:
    submitted = envelope.payload
    assert isinstance(submitted, AssessmentSubmitted)
    await grading.automatic(unit, submitted.submission_id, datetime.now(UTC))


CONSUMER = Consumer("assessment.grading", (AssessmentSubmitted,), handle, passes)
