"""Certificates in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)


async def _one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def completion(unit: Unit, enrollment_id: object) -> DictRow | None:
    """The enrollment, locked: of two who would certify it, one does."""
    return await _one(unit, "completion", enrollment_id=enrollment_id)


async def insert(unit: Unit, **values: Any) -> DictRow:
    row = await _one(unit, "insert", **values)
    assert row is not None
    return row


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def lock(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "lock", id=id_)


async def revoke(
    unit: Unit, id_: object, at: datetime, revoked_by: object, reason: str
) -> DictRow | None:
    return await _one(unit, "revoke", id=id_, at=at, revoked_by=revoked_by, reason=reason)


async def show_name(unit: Unit, id_: object, shown_name: str | None) -> DictRow | None:
    return await _one(unit, "show_name", id=id_, shown_name=shown_name)


async def counts(unit: Unit, enrollment_id: object) -> bool:
    """Whether some certificate of the enrollment is not revoked."""
    return await _one(unit, "counts", enrollment_id=enrollment_id) is not None


async def forget(unit: Unit, user_id: object) -> None:
    await unit.cursor.execute(
        _sql["forget"], {"user_id": user_id, "institution_id": unit.institution_id}
    )


async def page(
    unit: Unit, of: Literal["user", "course"], id_: object, after: After | None, rows: int
) -> list[DictRow]:
    values = {
        f"{of}_id": id_,
        "institution_id": unit.institution_id,
        "after_first": after and after.first,
        "after_id": after and after.id,
        "rows": rows,
    }
    await unit.cursor.execute(_sql[f"of_{of}"], values)
    found: list[DictRow] = await unit.cursor.fetchall()
    return found


async def institution_of(cursor: AsyncCursor[DictRow], code: str) -> str | None:
    """The tenant of a public code, which needs no tenant to be asked for."""
    await cursor.execute(_sql["institution_of"], {"code": code})
    row = await cursor.fetchone()
    return row["institution_id"] if row else None


async def verification(unit: Unit, code: str) -> DictRow | None:
    return await _one(unit, "verification", code=code)
