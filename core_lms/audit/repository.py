"""The sealed log in Postgres."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from core_lms.unit import Unit
from stack.queries import load

_sql = load(__file__)


async def page(
    unit: Unit, about: UUID | None, actor: str | None, before: int | None, limit: int
) -> list[DictRow]:
    values = {
        "institution_id": unit.institution_id,
        "about": about,
        "actor": actor,
        "before": before,
        "limit": limit + 1,
    }
    await unit.cursor.execute(_sql["page"], values)
    return await unit.cursor.fetchall()
