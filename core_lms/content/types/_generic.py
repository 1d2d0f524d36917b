"""The defaults of every kind of content, and the metadata members that several share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Id
from gateway.text import Text

Url = Annotated[Text, Field(pattern=r"^https?://\S+$", max_length=2000)]
"""Only the web: a ``javascript:`` address would run in whoever opens it."""

VIEWED = frozenset({"content.viewed", "content.completed"})


class Metadata(BaseModel):
    """Members a kind knows are checked; others are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class File(Metadata):
    """Content that is a file of the course, or lies elsewhere on the web."""

    media_id: Id | None = None
    url: Url | None = None


class Generic:
    """An item about which nothing more is known."""

    about = "Anything else: opened, completed when the learner says so"
    metadata: type[BaseModel] = Metadata
    interactions: frozenset[str] = frozenset()

    def media_ids(self, metadata: dict[str, Any]) -> list[str]:
        media_id = metadata.get("media_id")
        return [media_id] if isinstance(media_id, str) else []

    def unfinished(self, metadata: dict[str, Any], media: set[str]) -> str | None:
        for media_id in self.media_ids(metadata):
            if media_id not in media:
                return f"file {media_id} is not there: upload it"
        return None

    def completing(self, metadata: dict[str, Any]) -> frozenset[str]:
        return frozenset()

    async def lacking(self, metadata: dict[str, Any], trail: Any) -> str | None:
        return None

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        return file_or_url(metadata, links)


def file_or_url(metadata: dict[str, Any], links: Any) -> dict[str, Any]:
    """``url`` and, for a file of ours, until when it is good."""
    if isinstance(metadata.get("media_id"), str):
        found: dict[str, Any] = links.media(metadata["media_id"])
        return found
    return {"url": metadata["url"]} if metadata.get("url") else {}
