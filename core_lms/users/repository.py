"""Accounts in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from contracts.ids import named_id
from core_lms.queries import load
from core_lms.users.schemas import Registration
from core_lms.work import Unit

_sql = load(__file__)


async def insert(unit: Unit, id_: str, registration: Registration) -> DictRow:
    values: dict[str, Any] = registration.model_dump()
    values |= {"id": id_, "institution_id": unit.institution_id}
    values["profile"] = Jsonb(registration.profile)
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
    return row


async def get(unit: Unit, id_: object) -> DictRow | None:
    await unit.cursor.execute(_sql["get"], {"id": id_, "institution_id": unit.institution_id})
    return await unit.cursor.fetchone()
