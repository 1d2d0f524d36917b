"""Erasing a person: the key is destroyed, what is theirs is deleted or loses its text.

One transaction. What stays in it bears a fresh random id when it commits (ADR 14), and no account
has the old one. Other systems hear of it by ``user.deleted``; our own stores are moved to the same
new id by ``core_lms/privacy/moving.py``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import sql

from contracts.events.users import UserDeleted
from core_lms import audit_trail
from core_lms.privacy import tables
from core_lms.privacy.keeping import KEEPING
from core_lms.privacy.schemas import Erased
from core_lms.privacy.tables import Table
from core_lms.sessions import service as sessions
from core_lms.unit import Unit, found
from core_lms.users import repository as users
from stack.queries import load

SOURCE = "user-service"
_sql = load(__file__, "erasing.sql")


async def erase(unit: Unit, user_id: UUID) -> Erased:
    """Raises ``NotFound``, too, for who is erased already."""
    found(await users.locked(unit, user_id), f"there is no user {user_id}")
    audit_trail.record(unit, user_id)
    values: dict[str, Any] = {"user_id": user_id}
    for table in deepest_first(await tables.read(unit.cursor)):
        statement = forgetting(table)
        if statement is not None:
            await unit.cursor.execute(statement, values)
    [erased] = await unit.all(Erased, _sql["forget_person"], user_id=user_id)
    await unit.execute(_sql["move"], user_id=user_id)
    await sessions.shut_out(unit, str(user_id))
    unit.emit(UserDeleted(user_id=str(user_id)), source=SOURCE, at=erased.erased_at)
    return erased


def deepest_first(found: list[Table]) -> list[Table]:
    """The person's own tables, so that no row is deleted while another one refers to it."""
    return sorted((table for table in found if table.owned), key=lambda table: -table.depth)


def forgetting(table: Table) -> sql.Composed | None:
    """The statement that erases a person's rows of one table; None where they stay as they are."""
    name = sql.Identifier(table.name)
    kept = KEEPING.get(table.name)
    if kept is None:
        return sql.SQL("DELETE FROM {} WHERE {}").format(name, table.where)
    blank = {column: value for column, value in kept.blank.items() if column in table.columns}
    if not blank:
        return None
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.SQL(value))
        for column, value in blank.items()
    )
    return sql.SQL("UPDATE {} SET {} WHERE {}").format(name, changes, table.where)
