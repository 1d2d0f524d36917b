"""Something on another site: we know that it was opened, not what was done there."""

from __future__ import annotations

from typing import Any

from core_lms.content.types._generic import VIEWED, Generic, Metadata, Url


class ExternalMetadata(Metadata):
    url: Url | None = None
    completed_by_opening: bool = False


class External(Generic):
    """Completed when the learner says so, or by opening it."""

    about = "An address elsewhere: metadata.url; metadata.completed_by_opening makes opening enough"
    metadata = ExternalMetadata
    interactions = VIEWED

    def unfinished(self, metadata: dict[str, Any], media: set[str]) -> str | None:
        return None if metadata.get("url") else "metadata.url is missing: where does it lead?"

    def completing(self, metadata: dict[str, Any]) -> frozenset[str]:
        return frozenset({"content.viewed"} if metadata.get("completed_by_opening") else ())

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        return {"url": metadata.get("url"), "opens": "a new window"}


content_type = External()
