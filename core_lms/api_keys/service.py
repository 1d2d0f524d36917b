"""Making, listing and revoking API keys."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from contracts.errors import Rejected
from contracts.events.integration import ApiKeyCreated, ApiKeyRevoked
from core_lms import pages
from core_lms.api_keys import keys, repository, scopes
from core_lms.api_keys.repository import SQL
from core_lms.api_keys.schemas import ApiKey, NewApiKey, ShownApiKey
from core_lms.api_keys.settings import settings
from core_lms.idempotency import claim
from core_lms.session_store import revocation
from core_lms.unit import Unit
from gateway.pages import Window
from stack.redis import async_client

log = logging.getLogger("core_lms.api_keys")

SOURCE = "integration-service"


async def create(unit: Unit, new: NewApiKey) -> ShownApiKey:
    """The key, with what makes it one. A repeated request shows it no more.

    Raises ``Rejected`` for a moment of expiry that has passed or a scope that covers nothing, and
    ``Forbidden`` for a scope that the caller cannot give.
    """
    id_ = await claim(unit, "api_key", new)
    if unit.repeated:
        return ShownApiKey(**dict(await get(unit, id_)), key=None)
    scopes.check(unit.caller, new.scopes)
    # A key that makes keys makes them for its own maker, and outlives none of them.
    parent = await _own(unit)
    expires_at = _end(new.expires_at, None if parent is None else parent.expires_at)
    key = keys.new()
    row = await repository.insert(
        unit,
        id=id_,
        name=new.name,
        start=key[:10],
        hash=keys.digest(key),
        scopes=sorted(set(new.scopes)),
        expires_at=expires_at,
        created_by=parent.created_by if parent else unit.caller.user_id,
        made_with=parent and parent.id,
    )
    unit.emit(ApiKeyCreated(api_key_id=id_), source=SOURCE)
    return ShownApiKey(**dict(row), key=key)


async def get(unit: Unit, id_: str | UUID) -> ApiKey:
    """Raises ``NotFound``."""
    return await unit.need(ApiKey, SQL["get"], f"API key {id_}", id=id_)


async def page(unit: Unit, window: Window) -> dict[str, Any]:
    """The keys of the institution, the revoked ones too, oldest first."""
    return await pages.read(unit, ApiKey, SQL["list"], window)


async def revoke(unit: Unit, id_: UUID) -> ApiKey:
    """Refused from now on, by every process, with the keys it made; what is revoked stays so.

    The mark in Redis, which each request looks for anyway, ends what processes remember of the key.
    It is set before we commit: a key that is refused a moment too early does no harm. Without
    Redis the key still ends within ``scheme.REMEMBERED_S``.
    """
    ended = list(map(str, await unit.values(SQL["revoke"], id=id_)))
    for one in ended:
        unit.emit(ApiKeyRevoked(api_key_id=one), source=SOURCE)
    try:
        await revocation.mark(async_client(), {str(id_), *ended})
    except (RedisError, OSError) as error:
        log.warning("revoked, not marked", extra={"keys": ended, "error": type(error).__name__})
    return await get(unit, id_)


async def _own(unit: Unit) -> ApiKey | None:
    """The key with which the caller came."""
    caller = unit.caller
    if not caller.name.startswith("key/") or caller.session_id is None:
        return None
    return await get(unit, caller.session_id)


def _end(wanted: datetime | None, parents: datetime | None) -> datetime:
    """When a new key expires; raises ``Rejected`` for a moment that has passed or is too far."""
    now = datetime.now(UTC)
    longest = settings().longest_lifetime_days
    if wanted is not None and wanted <= now:
        raise Rejected("expires_at has passed")
    if wanted is not None and wanted > now + timedelta(days=longest):
        raise Rejected(
            f"expires_at lies more than {longest:g} days ahead (LMS_API_KEYS_LONGEST_LIFETIME_DAYS)"
        )
    end = wanted or now + timedelta(days=min(settings().lifetime_days, longest))
    return end if parents is None else min(end, parents)
