"""Credentials and mailed links in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts.events.users import UserStatus
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


SQL = load(__file__)


async def for_login(unit: Unit, user_id: object) -> Login | None:
    """The account, locked until the unit ends."""
    return await unit.one(Login, SQL["for_login"], user_id=user_id)


async def password_hash(unit: Unit, user_id: object) -> str | None:
    found: str | None = await unit.value(SQL["password_hash"], user_id=user_id)
    return found


async def set_password(unit: Unit, user_id: object, hash_: str) -> None:
    await unit.execute(SQL["set_password"], user_id=user_id, password_hash=hash_)


async def drop_links(unit: Unit, user_id: object) -> None:
    await unit.execute(SQL["drop_links"], user_id=user_id)
