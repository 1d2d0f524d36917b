"""A page of a list, whose people are in the audit log before anybody reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from core_lms import audit_trail
from core_lms.unit import Unit
from gateway import pages
from gateway.pages import Page, Window, bounds, decode

__all__ = ["Page", "decode", "page", "read"]


def page(rows: Sequence[Any], limit: int, first: str = "created_at") -> dict[str, Any]:
    """``gateway.pages.page``; the unit of this request is about whoever is shown."""
    audit_trail.shown(rows[:limit])
    return pages.page(rows, limit, first)


async def read(
    unit: Unit,
    row: Callable[..., Any],
    query: str,
    window: Window,
    *,
    first: str = "created_at",
    of: type[datetime] | type[int] = datetime,
    **values: Any,
) -> dict[str, Any]:
    """The page of a query that takes ``gateway.pages.bounds`` and is in the order of ``first``.

    Raises ``Rejected`` for a cursor that is none of ours.
    """
    which = bounds(decode(window.cursor, of), window.limit + 1)
    return page(await unit.all(row, query, **which, **values), window.limit, first)
