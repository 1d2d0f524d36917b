"""Lists in pages: a cursor names the last row seen, so pages neither skip nor repeat rows."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from contracts.errors import Rejected

Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="rows per page")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the previous page; none: the first")
]


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of a list a request asks for."""

    cursor: str | None = None
    limit: int = 50


async def _window(cursor: Cursor = None, limit: Limit = 50) -> Window:
    return Window(cursor, limit)


InWindow = Annotated[Window, Depends(_window)]


class Page(BaseModel, Generic[Row]):
    """One page; ``next`` is null on the last one."""

    items: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class After:
    """The sort key of the last row seen: ``(created_at, id)`` or ``(position, id)``."""

    first: datetime | int
    id: UUID


def bounds(after: After | None, rows: int) -> dict[str, Any]:
    """The values of a statement that lists ``rows`` rows from the one after ``after``."""
    return {"after_first": after and after.first, "after_id": after and after.id, "rows": rows}


def encode(after: After) -> str:
    """The cursor that ``decode`` reads: base64 of a JSON array."""
    first = after.first.isoformat() if isinstance(after.first, datetime) else after.first
    return base64.urlsafe_b64encode(json.dumps([first, str(after.id)]).encode()).decode()


def decode(cursor: str | None, of: type[datetime] | type[int]) -> After | None:
    """Raises ``Rejected`` for what ``encode`` did not write."""
    if cursor is None:
        return None
    try:
        first, id_ = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if of is datetime:
            moment = datetime.fromisoformat(first)
            if moment.tzinfo is None:
                raise ValueError("a moment without a zone")
            return After(moment, UUID(id_))
        if type(first) is not int or not 0 <= first < 2**31:
            raise ValueError("not a position")
        return After(first, UUID(id_))
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise Rejected("the cursor is not one of ours: start without one") from None


def value(row: Any, name: str) -> Any:
    """A column of a row, which is a mapping or a dataclass."""
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


def page(rows: Sequence[Any], limit: int, first: str = "created_at") -> dict[str, Any]:
    """``rows`` were read with ``limit + 1``: one more than shown means there is a next page."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return {
        "items": shown,
        "next": encode(After(value(shown[-1], first), value(shown[-1], "id"))) if more else None,
    }
