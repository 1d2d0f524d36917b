"""Reading the audit log, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.unit import Unit
from stack.queries import load


@dataclass(frozen=True, slots=True)
class Access:
    """A sealed row; ``hash`` is hexadecimal."""

    position: int
    id: UUID
    at: datetime
    actor: str
    action: str
    resource: str
    about: list[UUID]
    hash: str


_sql = load(__file__)


async def page(
    unit: Unit, about: UUID | None, actor: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Rows about a person, by an actor, both or neither; raises ``Rejected`` for a bad cursor.

    Where one person is asked for, each row names that person alone: who else was on the same list
    is nobody's business.
    """
    after = pages.decode(cursor, int)
    before = None if after is None else after.first
    values = {"about": about, "actor": actor, "before": before, "limit": limit + 1}
    rows = await unit.all(Access, _sql["page"], **values)
    return pages.page(rows, limit, first="position")
