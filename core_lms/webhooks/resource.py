"""Webhooks, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core_lms.access.resource import Resource
from core_lms.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Webhook(Resource, sql=_sql["webhook"]):
    """An address of the institution that is told of events."""

    webhook_id: UUID | str
