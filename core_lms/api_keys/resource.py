"""API keys, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class ApiKey(Resource, sql=_sql["api_key"]):
    """A key of the institution."""

    api_key_id: UUID | str
