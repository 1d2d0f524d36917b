"""Making, listing and revoking API keys."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from redis.exceptions import RedisError

from contracts.errors import Rejected
from contracts.events.integration import ApiKeyCreated, ApiKeyRevoked
from core_lms import pages
from core_lms.api_keys import keys, repository, scopes
from core_lms.api_keys.schemas import NewApiKey
from core_lms.idempotency import claim
from core_lms.sessions import revocation
from core_lms.work import Unit
from gateway.errors import NotFound
from stack.redis import async_client

log = logging.getLogger("core_lms.api_keys")

SOURCE = "integration-service"


async def create(unit: Unit, new: NewApiKey) -> tuple[dict[str, Any], bool]:
    """The key, with what makes it one, and whether it is new. A repeated request shows it no more.

    Raises ``Rejected`` for a moment of expiry that has passed or a scope that covers nothing, and
    ``Forbidden`` for a scope that the caller cannot give.
    """
    id_, repeated = await claim(unit, "api_key", new)
    if repeated:
        return await get(unit, id_) | {"key": None}, False
    if new.expires_at is not None and new.expires_at <= datetime.now(UTC):
        raise Rejected("expires_at has passed")
    scopes.check(unit.caller, new.scopes)
    key = keys.new()
    row = await repository.insert(
        unit,
        id=id_,
        name=new.name,
        start=key[:10],
        hash=keys.digest(key),
        scopes=sorted(set(new.scopes)),
        expires_at=new.expires_at,
        created_by=unit.caller.user_id,
    )
    unit.emit(ApiKeyCreated(api_key_id=id_), source=SOURCE)
    return _found(row, id_) | {"key": key}, True


async def get(unit: Unit, id_: str | UUID) -> DictRow:
    """Raises ``NotFound``."""
    return _found(await repository.get(unit, id_), id_)


async def page(unit: Unit, cursor: str | None, limit: int) -> dict[str, Any]:
    """The keys of the institution, the revoked ones too, oldest first."""
    after = pages.decode(cursor, datetime)
    return pages.page(await repository.page(unit, after, limit + 1), limit)


async def revoke(unit: Unit, id_: UUID) -> DictRow:
    """Refused from now on, by every process; a revoked key stays as it is.

    The mark in Redis, which each request looks for anyway, ends what processes remember of the key.
    It is set before we commit: a key that is refused a moment too early does no harm. Without
    Redis the key still ends within ``scheme.REMEMBERED_S``.
    """
    before = await get(unit, id_)
    row = _found(await repository.revoke(unit, id_), id_)
    if before["revoked_at"] is None:
        unit.emit(ApiKeyRevoked(api_key_id=str(id_)), source=SOURCE)
    try:
        await revocation.mark(async_client(), [id_])
    except (RedisError, OSError) as error:
        log.warning("revoked, not marked", extra={"key": str(id_), "error": type(error).__name__})
    return row


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no API key {id_}")
    return row
