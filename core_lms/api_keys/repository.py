"""API keys in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow

from core_lms.work import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)


async def _one(unit: Unit, name: str, /, **values: Any) -> DictRow | None:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def insert(unit: Unit, **values: Any) -> DictRow | None:
    """``service`` is the name of ours whose key it is."""
    return await _one(unit, "insert", **({"service": None, "made_with": None} | values))


async def get(unit: Unit, id_: object) -> DictRow | None:
    return await _one(unit, "get", id=id_)


async def revoke(unit: Unit, id_: object) -> list[str]:
    """The keys that end: this one and those it made, unless they were revoked before."""
    await unit.cursor.execute(_sql["revoke"], {"id": id_})
    return [str(row["id"]) for row in await unit.cursor.fetchall()]


async def in_use(unit: Unit, hash_: bytes) -> DictRow | None:
    """The valid key of this hash, whichever institution it is of."""
    return await _one(unit, "in_use", hash=hash_)


async def page(unit: Unit, after: After | None, rows: int) -> list[DictRow]:
    values = {"after_first": after and after.first, "after_id": after and after.id, "rows": rows}
    await unit.cursor.execute(_sql["list"], values)
    return await unit.cursor.fetchall()


async def of_services(unit: Unit) -> list[DictRow]:
    """Keys of our own services that count."""
    await unit.cursor.execute(_sql["of_services"], {"institution_id": unit.institution_id})
    return await unit.cursor.fetchall()


async def supersede(unit: Unit, **values: Any) -> None:
    """The service's other keys end at ``ends_at``, or sooner where they were to."""
    named = {"institution_id": unit.institution_id, **values}
    await unit.cursor.execute(_sql["supersede"], named)
