"""Reading the audit log, newest first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.audit.schemas import AuditEntry
from core_lms.unit import Unit
from gateway.pages import Window
from stack.queries import load

_sql = load(__file__)


async def page(unit: Unit, about: UUID | None, actor: str | None, window: Window) -> dict[str, Any]:
    """Rows about a person, by an actor, both or neither; raises ``Rejected`` for a bad cursor.

    Where one person is asked for, each row names that person alone: who else was on the same list
    is nobody's business.
    """
    after = pages.decode(window.cursor, int)
    before = None if after is None else after.first
    values = {"about": about, "actor": actor, "before": before, "limit": window.limit + 1}
    rows = await unit.all(AuditEntry, _sql["page"], **values)
    return pages.page(rows, window.limit, first="position")
