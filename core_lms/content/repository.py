"""Content items and interactions with them in Postgres: their rows and statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.content.schemas import Item, Recorded
from stack.queries import load

SQL = load(__file__, item=Item, recorded=Recorded)


class ItemToOpen(Item):
    """An item and when its module opens."""

    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """What recording asks: of an item, of its course, and of the learner."""

    kind: str
    metadata: dict[str, Any]
    archived_at: datetime | None
    opens_at: datetime | None
    course_status: str
    enrollment_status: str | None
    dropped_at: datetime | None
    wrapped_key: bytes | None
    """The learner's, where they write something."""


@dataclass(frozen=True, slots=True)
class SealedPost:
    """A post as it is stored; ``text`` is of a row that was never sealed."""

    id: UUID
    user_id: UUID
    item_id: UUID
    text_sealed: bytes | None
    text: str | None
    occurred_at: datetime
    created_at: datetime
    wrapped_key: bytes | None
