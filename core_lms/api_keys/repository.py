"""API keys in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.unit import Unit
from gateway.pages import After, bounds
from stack.queries import load


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its institution sees it; ``key`` is what makes it one, shown to its maker alone."""

    id: UUID
    name: str
    start: str
    scopes: list[str]
    service: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_by: UUID | None
    made_with: UUID | None
    created_at: datetime
    key: str | None = None


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


@dataclass(frozen=True, slots=True)
class _Id:
    id: UUID


_sql = load(__file__, key=ApiKey, key_in_use=KeyInUse)


async def insert(unit: Unit, **values: Any) -> ApiKey:
    """``service`` is the name of ours whose key it is."""
    values = {"service": None, "made_with": None, **values}
    [row] = await unit.all(ApiKey, _sql["insert"], **values)
    return row


async def get(unit: Unit, id_: object) -> ApiKey | None:
    return await unit.one(ApiKey, _sql["get"], id=id_)


async def revoke(unit: Unit, id_: object) -> list[str]:
    """The keys that end: this one and those it made, unless they were revoked before."""
    return [str(row.id) for row in await unit.all(_Id, _sql["revoke"], id=id_)]


async def in_use(unit: Unit, hash_: bytes) -> KeyInUse | None:
    """The valid key of this hash, whichever institution it is of."""
    return await unit.one(KeyInUse, _sql["in_use"], hash=hash_)


async def page(unit: Unit, after: After | None, rows: int) -> list[ApiKey]:
    return await unit.all(ApiKey, _sql["list"], **bounds(after, rows))


async def of_services(unit: Unit) -> list[ApiKey]:
    """Keys of our own services that count."""
    return await unit.all(ApiKey, _sql["of_services"])


async def supersede(unit: Unit, **values: Any) -> None:
    """The service's other keys end at ``ends_at``, or sooner where they were to."""
    await unit.execute(_sql["supersede"], **values)
