"""Webhooks, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Webhook(Resource, beside=__file__):
    """An address of the institution that gets events."""

    webhook_id: UUID | str
