"""Keeps each event for the addresses that want it; sending is the loop's."""

from __future__ import annotations

from contracts.envelope import Envelope
from core_lms.inbox import Consumer
from core_lms.webhooks import service, subscriptions
from core_lms.work import Unit


async def handle(unit: Unit, envelope: Envelope) -> None:
    await service.enqueue(unit, envelope)


# An address is told of what happens from now on: history is for whoever reads Kafka.
CONSUMER = Consumer("webhooks.enqueue", subscriptions.told(), handle, begin="latest")
