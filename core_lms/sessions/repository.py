"""Credentials and mailed links in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow

from contracts.ids import new_id
from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__)


async def for_login(unit: Unit, user_id: object) -> DictRow | None:
    """``status`` and ``password_hash`` of an account, held until the unit ends."""
    values = {"user_id": user_id, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["for_login"], values)
    return await unit.cursor.fetchone()


async def password_hash(unit: Unit, user_id: object) -> str | None:
    await unit.cursor.execute(_sql["password_hash"], {"user_id": user_id})
    row = await unit.cursor.fetchone()
    return None if row is None else row["password_hash"]


async def set_password(unit: Unit, user_id: object, hash_: str) -> None:
    values = {
        "user_id": user_id,
        "institution_id": unit.institution_id,
        "password_hash": hash_,
    }
    await unit.cursor.execute(_sql["set_password"], values)


async def rehash(unit: Unit, user_id: object, outdated: str, fresh: str) -> None:
    values = {"user_id": user_id, "outdated": outdated, "fresh": fresh}
    await unit.cursor.execute(_sql["rehash"], values)


async def drop_password(unit: Unit, user_id: object) -> None:
    await unit.cursor.execute(_sql["drop_password"], {"user_id": user_id})


async def insert_link(
    unit: Unit, user_id: object, purpose: str, token_hash: bytes, expires_at: datetime
) -> None:
    values = {
        "id": new_id(),
        "institution_id": unit.institution_id,
        "user_id": user_id,
        "purpose": purpose,
        "token_hash": token_hash,
        "expires_at": expires_at,
    }
    await unit.cursor.execute(_sql["insert_link"], values)


async def link(
    unit: Unit, token_hash: bytes, now: datetime, purposes: Sequence[str]
) -> DictRow | None:
    """``user_id`` and ``purpose`` of a link for one of ``purposes`` that can still be used."""
    values = {"token_hash": token_hash, "now": now, "purposes": list(purposes)}
    await unit.cursor.execute(_sql["link"], values)
    return await unit.cursor.fetchone()


async def use_link(
    unit: Unit, token_hash: bytes, now: datetime, purposes: Sequence[str]
) -> DictRow | None:
    """Use it up: of two at once one gets the row, with ``proves_address`` beside it."""
    values = {"token_hash": token_hash, "now": now, "purposes": list(purposes)}
    await unit.cursor.execute(_sql["use_link"], values)
    return await unit.cursor.fetchone()


async def drop_links(unit: Unit, user_id: object) -> None:
    await unit.cursor.execute(_sql["drop_links"], {"user_id": user_id})
