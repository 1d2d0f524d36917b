"""Reading the audit log, newest first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core_lms import pages
from core_lms.audit import repository
from core_lms.unit import Unit


async def page(
    unit: Unit, about: UUID | None, actor: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Rows about a person, by an actor, both or neither; raises ``Rejected`` for a bad cursor."""
    after = pages.decode(cursor, int)
    before = None if after is None else int(str(after.first))
    rows = await repository.page(unit, about, actor, before, limit)
    shown = [row | {"hash": bytes(row["hash"]).hex()} for row in rows]
    if about is not None:  # who else was on the same list is nobody's business
        shown = [row | {"about": [about]} for row in shown]
    return pages.page(shown, limit, first="position")
