"""Credentials and mailed links in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.events.users import UserStatus
from contracts.ids import new_id
from core_lms.unit import Unit
from stack.queries import load


@dataclass(frozen=True, slots=True)
class Login:
    """What a login needs to know of an account."""

    status: UserStatus
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A mailed link; ``proves_address`` where it went to the address that the account still has."""

    user_id: UUID
    purpose: str
    proves_address: bool = False


_sql = load(__file__)


async def for_login(unit: Unit, user_id: object) -> Login | None:
    """The account, locked until the unit ends."""
    return await unit.one(Login, _sql["for_login"], user_id=user_id)


async def password_hash(unit: Unit, user_id: object) -> str | None:
    found: str | None = await unit.value(_sql["password_hash"], user_id=user_id)
    return found


async def set_password(unit: Unit, user_id: object, hash_: str) -> None:
    await unit.execute(_sql["set_password"], user_id=user_id, password_hash=hash_)


async def rehash(unit: Unit, user_id: object, outdated: str, fresh: str) -> None:
    await unit.execute(_sql["rehash"], user_id=user_id, outdated=outdated, fresh=fresh)


async def drop_password(unit: Unit, user_id: object) -> None:
    await unit.execute(_sql["drop_password"], user_id=user_id)


async def insert_link(
    unit: Unit, user_id: object, purpose: str, token_hash: bytes, expires_at: datetime
) -> None:
    await unit.execute(
        _sql["insert_link"],
        id=new_id(),
        user_id=user_id,
        purpose=purpose,
        token_hash=token_hash,
        expires_at=expires_at,
    )


async def link(
    unit: Unit, token_hash: bytes, now: datetime, purposes: Sequence[str]
) -> Link | None:
    """A link for one of ``purposes`` that can still be used."""
    values = {"token_hash": token_hash, "now": now, "purposes": list(purposes)}
    return await unit.one(Link, _sql["link"], **values)


async def use_link(
    unit: Unit, token_hash: bytes, now: datetime, purposes: Sequence[str]
) -> Link | None:
    """Use it up: of two at once one gets it."""
    values = {"token_hash": token_hash, "now": now, "purposes": list(purposes)}
    return await unit.one(Link, _sql["use_link"], **values)


async def drop_links(unit: Unit, user_id: object) -> None:
    await unit.execute(_sql["drop_links"], user_id=user_id)
