"""The certificates of an erased person are deleted: their links lead nowhere."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.users import UserDeleted
from core_lms.certificates.repository import SQL
from core_lms.inbox import Consumer
from core_lms.unit import Unit


async def handle(unit: Unit, envelope: Envelope) -> None:
    event = envelope.payload
    assert isinstance(event, UserDeleted)
    await unit.execute(SQL["forget"], user_id=event.user_id)


CONSUMER = Consumer("certificates.forget", (UserDeleted,), handle)
