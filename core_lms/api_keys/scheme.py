"""``Authorization: Bearer lsk_…``: the machine whose key that is, for the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.api_keys import keys
from core_lms.api_keys.repository import SQL, KeyInUse
from core_lms.units import transaction
from gateway.caller import Caller, service
from gateway.decision import allowed
from gateway.errors import Unauthenticated
from gateway.middleware import Scheme

REMEMBERED_S = 10.0
KEPT = 10_000
Pool = AsyncConnectionPool[Any]


class KeyHolders:
    """Callers by key, remembered for a moment; only hashes are kept in memory.

    A key that is not known is not remembered: it may be made the next moment. Its spelling is
    checked first, so that nonsense costs no query.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def caller_of_key(self, pool: Pool, key: str) -> Caller | None:
        """None for a key that is unknown, revoked or expired."""
        if not keys.well_formed(key):
            return None
        digest, now = keys.digest(key), self._clock()
        found = self._known.get(digest)
        if found is not None and now < found[0]:
            return found[1]
        async with transaction(pool, service("api_keys", "")) as unit:
            row = await unit.one(KeyInUse, SQL["in_use"], hash=digest)
        if row is None or not _still_makes_keys(row):
            self._known.pop(digest, None)
            return None
        caller = Caller(
            "machine",
            str(row.institution_id),
            permissions=frozenset(row.scopes),
            session_id=str(row.id),  # under which its revocation is marked
            name=f"machine/{row.service}" if row.service else f"key/{row.id}",
            service=row.service,
            made_by=None if row.made_by is None else str(row.made_by),
        )
        until = now + REMEMBERED_S
        if row.expires_at is not None:
            until = min(until, now + row.expires_at.timestamp() - time.time())
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[digest] = until, caller
        return caller


def _still_makes_keys(row: KeyInUse) -> bool:
    """Whether the person who made the key might still make it. The operator's tools always may."""
    if row.made_by is None:
        return True
    institution_id, roles = str(row.institution_id), frozenset(row.maker_roles)
    maker = Caller("person", institution_id, user_id=str(row.made_by), roles=roles)
    return allowed(maker, "api_key.create", "Institution", {}, fresh=True)


def by_api_key(pool: Callable[[], Pool]) -> Scheme:
    """The gateway's scheme; ``pool`` gives the application's pool, which opens after it is made."""
    holders = KeyHolders()

    async def caller(token: str, institution: str) -> Caller | None:
        if not token.startswith(keys.PREFIX):
            return None
        found = await holders.caller_of_key(pool(), token)
        if found is None:
            raise Unauthenticated("the API key is unknown, revoked or expired")
        return found

    return caller
