"""Keeps each event for the addresses that want it; sending is the loop's."""

from __future__ import annotations

from collections.abc import Callable

from contracts.envelope import Envelope
from core_lms.inbox import Consumer
from core_lms.unit import Unit
from core_lms.webhooks import service, subscriptions


async def interest(unit: Unit) -> Callable[[Envelope], bool]:
    """Most institutions have few addresses that want few events: the others cost no statement."""
    wanted = await service.wanted(unit)
    return lambda envelope: not wanted.isdisjoint(subscriptions.names(envelope.event_type))


async def handle(unit: Unit, envelope: Envelope) -> None:
    await service.enqueue(unit, envelope)


# An address gets what happens from now on: history is for whoever reads Kafka.
CONSUMER = Consumer(
    "webhooks.enqueue",
    subscriptions.deliverable(),
    handle,
    interest=interest,
    begin="latest",
    history=False,
)
