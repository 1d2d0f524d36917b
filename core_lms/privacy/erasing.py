"""Erasing a person: the key is destroyed, what is theirs is deleted or loses its text.

One transaction. What stays in it bears a fresh random id when it commits (ADR 14), and no account
has the old one. Other systems hear of it by ``user.deleted``; our own stores are moved to the same
new id by ``core_lms/privacy/moving.py``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow

from contracts.events.users import UserDeleted
from core_lms import audit_trail
from core_lms.privacy import repository, tables
from core_lms.privacy.keeping import KEEPING
from core_lms.privacy.tables import Table
from core_lms.sessions import service as sessions
from core_lms.unit import Unit
from gateway.errors import NotFound
from stack.queries import load

SOURCE = "user-service"
_sql = load(__file__, "erasing.sql")


async def erase(unit: Unit, user_id: UUID) -> DictRow:
    """``id`` and ``erased_at``. Raises ``NotFound``, too, for who is erased already."""
    person = await repository.row(unit, "lock_person", user_id=user_id)
    if person is None or person["erased_at"] is not None:
        raise NotFound(f"there is no user {user_id}")
    audit_trail.record(unit, user_id)
    values: dict[str, Any] = {"user_id": user_id}
    for table in deepest_first(await tables.read(unit.cursor)):
        statement = forgetting(table)
        if statement is not None:
            await unit.cursor.execute(statement, values)
    await unit.cursor.execute(_sql["forget_person"], values)
    row = await unit.cursor.fetchone()
    assert row is not None
    await unit.cursor.execute(_sql["move"], values)
    await sessions.shut_out(unit, str(user_id))
    unit.emit(UserDeleted(user_id=str(user_id)), source=SOURCE, at=row["erased_at"])
    return row


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
