"""Content and what learners do with it, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field

from contracts.event import Id, Kind, Seconds
from core_lms.moments import OccurredAt
from core_lms.text import Body, JsonObject, LongText, Text, Title


class NewItem(Body):
    """A piece of content of the course in the path."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "video",
                "title": "What a p-value is not",
                "description": "Five readings of p = 0.04, four of them wrong.",
            }
        }
    )

    kind: Kind
    title: Title
    description: LongText | None = None
    position: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Order within the course; none: at the end."""
    required: bool = True
    """Whether completing the course needs it."""
    metadata: JsonObject = Field(default_factory=dict)


class Item(BaseModel):
    """A piece of content."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    kind: str
    title: str
    description: str | None
    position: int
    required: bool
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class _Interaction(Body):
    user_id: Id
    occurred_at: OccurredAt = None


class Viewed(_Interaction):
    """The learner opened the item."""

    event_type: Literal["content.viewed"]
    clicks: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Completed(_Interaction):
    """The learner finished the item."""

    event_type: Literal["content.completed"]


class Downloaded(_Interaction):
    """The learner took a copy."""

    event_type: Literal["content.downloaded"]


class Played(_Interaction):
    """Playback began or went on."""

    event_type: Literal["video.played"]
    position_s: Seconds


class Paused(_Interaction):
    """Playback stopped."""

    event_type: Literal["video.paused"]
    position_s: Seconds


class Seeked(_Interaction):
    """The learner jumped within the video."""

    event_type: Literal["video.seeked"]
    from_s: Seconds
    to_s: Seconds


class Posted(_Interaction):
    """The learner wrote in a forum; the text stays here, the event carries the post's id."""

    event_type: Literal["forum.posted"]
    text: Annotated[Text, Field(min_length=1, max_length=20_000)]


Interaction = Annotated[
    Viewed | Completed | Downloaded | Played | Paused | Seeked | Posted,
    Discriminator("event_type"),
]

EXAMPLES: list[Any] = [
    {
        "event_type": "content.viewed",
        "user_id": "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11",
        "clicks": 3,
        "occurred_at": "2026-02-17T14:30:00Z",
    }
]


class Recorded(BaseModel):
    """What was recorded; ``id`` is the event's id."""

    id: UUID
    institution_id: UUID
    user_id: UUID
    course_id: UUID
    item_id: UUID
    event_type: str
    kind: str
    clicks: int
    details: dict[str, Any]
    occurred_at: datetime


class CompletedItem(BaseModel):
    """An item a learner has finished."""

    item_id: UUID
    course_id: UUID
    completed_at: datetime


class CompletedItems(BaseModel):
    """Everything a learner has finished, whole: whoever filters by it must not miss one."""

    user_id: UUID
    items: list[CompletedItem]
