"""API keys, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class ApiKey(Resource, beside=__file__):
    """A key of the institution."""

    api_key_id: UUID | str
