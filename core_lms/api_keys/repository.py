"""API keys in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.api_keys.schemas import ApiKey
from core_lms.unit import Unit
from stack.queries import load


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """What a request with a key needs to know of it."""

    id: UUID
    institution_id: UUID
    scopes: list[str]
    expires_at: datetime | None
    made_by: UUID | None
    maker_roles: list[str]
    service: str | None


SQL = load(__file__, key=ApiKey, key_in_use=KeyInUse)


async def insert(unit: Unit, **values: Any) -> ApiKey:
    """``service`` is the name of ours whose key it is."""
    values = {"service": None, "made_with": None, **values}
    [row] = await unit.all(ApiKey, SQL["insert"], **values)
    return row
