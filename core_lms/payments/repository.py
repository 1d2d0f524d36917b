"""Prices, orders, payments and refunds in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from core_lms.unit import Unit
from gateway.pages import After
from stack.queries import load

_sql = load(__file__)


async def one(unit: Unit, name: str, **values: Any) -> DictRow | None:
    """The row that a statement of ``queries.sql`` gives or changes."""
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchone()


async def row(unit: Unit, name: str, **values: Any) -> DictRow:
    """The same where there always is one."""
    found = await one(unit, name, **values)
    assert found is not None, f"{name} gives a row"
    return found


async def rows(unit: Unit, name: str, **values: Any) -> list[DictRow]:
    await unit.cursor.execute(_sql[name], {"institution_id": unit.institution_id, **values})
    return await unit.cursor.fetchall()


async def orders(
    unit: Unit,
    after: After | None,
    limit: int,
    user_id: object = None,
    status: str | None = None,
    attention: bool = False,
) -> list[DictRow]:
    return await rows(
        unit,
        "orders",
        user_id=user_id,
        status=status,
        attention=attention,
        after_first=after and after.first,
        after_id=after and after.id,
        rows=limit,
    )


async def claim_notice(
    unit: Unit, provider: str, event_id: str, payment_id: str, kind: str
) -> bool:
    """Whether this notice is new; one under way at the same time is waited for."""
    values = {
        "provider": provider,
        "event_id": event_id,
        "payment_id": payment_id,
        "kind": kind,
        "institution_id": unit.institution_id,
    }
    cursor = await unit.cursor.execute(_sql["claim_notice"], values)
    return cursor.rowcount == 1


async def postpone(unit: Unit, refund_id: object, until: datetime, error: str) -> None:
    values = {"id": refund_id, "until": until, "error": error}
    await unit.cursor.execute(_sql["postpone_refund"], values)
