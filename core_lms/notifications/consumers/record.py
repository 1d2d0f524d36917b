"""Every kind of notification, by the events they name."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.envelope import Envelope
from core_lms.inbox import Consumer
from core_lms.notifications import service
from core_lms.notifications.kinds import kinds
from core_lms.unit import Unit


def passes(envelope: Envelope) -> bool:
    """Events too old to notify anybody of."""
    return not service.kinds_for(envelope, datetime.now(UTC))


async def handle(unit: Unit, envelope: Envelope) -> None:
    await service.record(unit, envelope)


CONSUMER = Consumer(
    "notifications.tell",  # names its position in Postgres: another name would begin anew
    tuple({kind.event: None for kind in kinds().values()}),
    handle,
    passes,
    history=False,  # an import is silent
)
