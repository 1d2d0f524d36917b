"""A page to read: text in Markdown, kept with the item."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core_lms.content.types._generic import VIEWED, Generic, Metadata
from gateway.text import Text


class PageMetadata(Metadata):
    body: Annotated[Text, Field(max_length=50_000)] | None = None
    """Markdown; whoever shows it decides which of its HTML to let through."""


class Page(Generic):
    """Opened, kept as a copy, completed when the learner says so."""

    about = "Text in Markdown, kept in metadata.body"
    metadata = PageMetadata
    interactions = VIEWED | {"content.downloaded"}

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        return {"format": "markdown", "body": metadata.get("body") or ""}


content_type = Page()
