"""Content and what learners do with it, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Discriminator, Field, model_validator

from contracts.event import Id, Kind, Seconds
from core_lms.moments import OccurredAt
from gateway.text import Body, JsonObject, LongText, Text, Title, at_most, example

Metadata = Annotated[JsonObject, at_most(128 * 1024)]
"""What a kind makes of it is in ``core_lms/content/types``."""


class NewItem(Body):
    """A piece of content of the course in the path."""

    model_config = example(
        kind="video",
        title="What a p-value is not",
        description="Five readings of p = 0.04, four of them wrong.",
    )

    kind: Kind
    title: Title
    description: LongText | None = None
    position: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Order within the course; none: at the end."""
    module_id: Id | None = None
    """A module of the course; none: before all modules."""
    required: bool = True
    """Whether completing the course needs it."""
    metadata: Metadata = Field(default_factory=dict)


class ItemChange(Body):
    """What to change; fields left out stay as they are. The order is the course's outline."""

    model_config = example(title="What a p-value is", required=False)

    title: Title | None = None
    description: LongText | None = None
    module_id: Id | None = None
    required: bool | None = None
    metadata: Metadata | None = None


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
    module_id: UUID | None
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OpenedItem(Item):
    """An item for one learner; ``content`` is what a client shows, null before it opens."""

    opens_at: datetime | None
    content: dict[str, Any] | None


class ContentKind(BaseModel):
    """A kind of content that items can have."""

    kind: str
    about: str
    interactions: list[str]
    """Empty: every one."""
    metadata_schema: dict[str, Any]


class ContentKinds(BaseModel):
    """The declared kinds; an item of any other kind is generic."""

    items: list[ContentKind]


class Post(BaseModel):
    """What somebody wrote in a forum."""

    id: UUID
    user_id: UUID
    item_id: UUID
    text: str | None
    """Null: whoever wrote it was erased."""
    occurred_at: datetime


class NewMedia(Body):
    """A file that is to come."""

    model_config = example(name="lecture-1.mp4", media_type="video/mp4")

    name: Annotated[Text, Field(min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f\x7f]+$")]
    media_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$", max_length=100)]


class Media(BaseModel):
    """A file of a course; ``waiting`` until its bytes have come whole."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    name: str
    media_type: str
    status: Literal["waiting", "ready"]
    bytes: int | None
    sha256: str | None
    created_at: datetime
    stored_at: datetime | None


class MediaLink(BaseModel):
    """Where a player gets the bytes, relative to the LMS's address."""

    media_id: UUID
    url: str
    expires_at: datetime


class _Interaction(Body):
    user_id: Id
    occurred_at: OccurredAt = None
    device: Kind | None = None
    """The device: `phone`, `tablet`, `desktop`."""


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


class Watched(_Interaction):
    """A span of the video was played without a jump, reported when it ended."""

    event_type: Literal["video.watched"]
    from_s: Seconds
    to_s: Seconds

    @model_validator(mode="after")
    def _forward(self) -> Watched:
        if self.to_s <= self.from_s:
            raise ValueError("to_s is the end of the span: it lies after from_s")
        return self


class Posted(_Interaction):
    """The learner wrote in a forum; the text stays here, the event carries the post's id."""

    event_type: Literal["forum.posted"]
    text: Annotated[Text, Field(min_length=1, max_length=20_000)]


Interaction = Annotated[
    Viewed | Completed | Downloaded | Played | Paused | Seeked | Watched | Posted,
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
