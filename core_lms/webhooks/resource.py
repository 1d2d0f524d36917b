"""Webhooks, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Webhook(Resource, sql=_sql["webhook"]):
    """An address of the institution that gets events."""

    webhook_id: UUID | str
