"""Accounts in Postgres, what is personal of them sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.users import Role, UserStatus
from contracts.ids import named_id
from core_lms.sealing import person
from core_lms.unit import Unit
from core_lms.users.schemas import Registration
from stack.queries import load


@dataclass(frozen=True, slots=True)
class Account:
    """A row of ``users``, what is personal in the clear; of an erased person it is empty."""

    id: UUID
    institution_id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    profile: dict[str, Any]
    invented: bool
    directory_opt_out: bool
    activates_on_verification: bool
    email_verified_at: datetime | None
    erased_at: datetime | None
    created_at: datetime
    updated_at: datetime


SQL = load(__file__, account=Account, sealed=person.Sealed)


def account(**columns: Any) -> Account:
    """Made of the columns of a row, what is personal opened."""
    return Account(**person.opened(columns))


async def insert(
    unit: Unit, id_: str, registration: Registration, *, invented: bool = False
) -> Account:
    """``invented``: the account is nobody's; it stays so, whatever its profile says later."""
    sealed = person.seal_new(unit.institution_id, id_, registration.model_dump())
    values = {"id": id_, "role": registration.role, "invented": invented, **sealed}
    [made] = await unit.all(account, SQL["insert"], **values)
    role = registration.role
    role_id = named_id(id_, "role", role)
    await unit.execute(SQL["insert_role"], id=role_id, user_id=id_, role_name=role)
    return made


async def get(unit: Unit, id_: object) -> Account | None:
    return await unit.one(account, SQL["get"], id=id_)


async def of_email(unit: Unit, address: str) -> Account | None:
    """The account with this address, in whatever case it is written."""
    index = person.email_index(unit.institution_id, address)
    return await unit.one(account, SQL["of_email"], email_index=index)


async def reseal(unit: Unit, id_: object, changes: Mapping[str, Any]) -> Account | None:
    """Write those of email, name and profile that are among ``changes``; None: no such account."""
    row = await unit.one(dict[str, Any], SQL["key_for_update"], id=id_)
    if row is None:
        return None
    if row["wrapped_key"] is None:  # from before sealing: all of it is sealed now
        key = person.DataKey.new(id_)
        changes = {field: row[field] for field in person.FIELDS} | dict(changes)
        await unit.execute(SQL["keep_key"], id=id_, wrapped_key=key.wrapped())
    else:
        key = person.DataKey.unwrap(row["id"], row["wrapped_key"])
    values = dict.fromkeys(person.SEALED_COLUMNS) | {"id": id_}
    values |= {"email": person.placeholder(id_), "name": person.NAME}
    values |= person.seal(unit.institution_id, id_, key, changes)
    return await unit.one(account, SQL["reseal"], **values)


async def locked(unit: Unit, id_: object) -> Account | None:
    """The account, which nobody else changes before this unit ends."""
    return await unit.one(account, SQL["key_for_update"], id=id_)


async def set_facts(
    unit: Unit,
    id_: object,
    *,
    status: str | None = None,
    role: str | None = None,
    verified: bool | None = None,
    activates: bool | None = None,
) -> Account:
    """Change those that are given; ``verified`` is whether the address is proven to be theirs."""
    facts = {"status": status, "role": role, "verified": verified, "activates": activates}
    [changed] = await unit.all(account, SQL["set_facts"], id=id_, **facts)
    return changed
