"""Accounts in Postgres, what is personal of them sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.rows import DictRow

from contracts.ids import named_id
from core_lms.sealing import person
from core_lms.unit import Unit
from core_lms.users.schemas import Registration
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)
RELATIONS = _sql["relations"]


async def insert(
    unit: Unit, id_: str, registration: Registration, *, invented: bool = False
) -> DictRow:
    """``invented``: the account is nobody's; it stays so, whatever its profile says later."""
    values: dict[str, Any] = registration.model_dump(include={"role"}) | {"invented": invented}
    values |= {"id": id_, "institution_id": unit.institution_id}
    values |= person.seal_new(unit.institution_id, id_, registration.model_dump())
    await unit.cursor.execute(_sql["insert"], values)
    row = await unit.cursor.fetchone()
    assert row is not None
    role = {
        "id": named_id(id_, "role", registration.role),
        "institution_id": unit.institution_id,
        "user_id": id_,
        "role_name": registration.role,
    }
    await unit.cursor.execute(_sql["insert_role"], role)
    return person.opened(row)


async def get(unit: Unit, id_: object) -> DictRow | None:
    await unit.cursor.execute(_sql["get"], {"id": id_, "institution_id": unit.institution_id})
    row = await unit.cursor.fetchone()
    return row and person.opened(row)


async def of_email(unit: Unit, address: str) -> DictRow | None:
    """The account with this address, in whatever case it is written."""
    values = {
        "email_index": person.email_index(unit.institution_id, address),
        "institution_id": unit.institution_id,
    }
    await unit.cursor.execute(_sql["of_email"], values)
    row = await unit.cursor.fetchone()
    return row and person.opened(row)


async def reseal(unit: Unit, id_: object, changes: Mapping[str, Any]) -> DictRow | None:
    """Write those of email, name and profile that are among ``changes``; None: no such account."""
    named = {"id": id_, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["key_for_update"], named)
    row = await unit.cursor.fetchone()
    if row is None:
        return None
    if row["wrapped_key"] is None:  # from before sealing: all of it is sealed now
        key = person.DataKey.new(id_)
        changes = {field: row[field] for field in person.FIELDS} | dict(changes)
        await unit.cursor.execute(_sql["keep_key"], named | {"wrapped_key": key.wrapped()})
    else:
        key = person.DataKey.unwrap(row["id"], row["wrapped_key"])
    values = dict.fromkeys(person.SEALED_COLUMNS) | named
    values |= {"email": person.placeholder(id_), "name": person.NAME}
    values |= person.seal(unit.institution_id, id_, key, changes)
    await unit.cursor.execute(_sql["reseal"], values)
    row = await unit.cursor.fetchone()
    return row and person.opened(row)


async def locked(unit: Unit, id_: object) -> DictRow | None:
    """The account, which nobody else changes before this unit ends."""
    named = {"id": id_, "institution_id": unit.institution_id}
    await unit.cursor.execute(_sql["key_for_update"], named)
    row = await unit.cursor.fetchone()
    return row and person.opened(row)


async def set_facts(
    unit: Unit,
    id_: object,
    *,
    status: str | None = None,
    role: str | None = None,
    verified: bool | None = None,
    activates: bool | None = None,
) -> DictRow:
    """Change those that are given; ``verified`` is whether the address is proven to be theirs."""
    values = {
        "id": id_,
        "institution_id": unit.institution_id,
        "status": status,
        "role": role,
        "verified": verified,
        "activates": activates,
    }
    await unit.cursor.execute(_sql["set_facts"], values)
    row = await unit.cursor.fetchone()
    assert row is not None
    return person.opened(row)


async def page(
    unit: Unit,
    after: After | None,
    limit: int,
    *,
    role: str | None = None,
    status: str | None = None,
    email: str | None = None,
) -> list[DictRow]:
    values = {
        "institution_id": unit.institution_id,
        "role": role,
        "status": status,
        "email_index": email and person.email_index(unit.institution_id, email),
        "after": after and after.first,
        "after_id": after and after.id,
        "limit": limit + 1,
    }
    await unit.cursor.execute(_sql["page"], values)
    return [person.opened(row) for row in await unit.cursor.fetchall()]
