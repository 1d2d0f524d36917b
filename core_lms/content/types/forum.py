"""A forum: learners write, and writing often enough can complete it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core_lms.content.types._generic import VIEWED, Generic, Metadata


class ForumMetadata(Metadata):
    min_posts: Annotated[int, Field(ge=0, le=100)] = 0
    """So many posts complete the item; 0: completed when the learner says so."""


class Forum(Generic):
    """The posts stay in the LMS; events carry their ids."""

    about = "A place to write; metadata.min_posts posts complete it"
    metadata = ForumMetadata
    interactions = VIEWED | {"forum.posted"}

    def completing(self, metadata: dict[str, Any]) -> frozenset[str]:
        return frozenset({"forum.posted"} if metadata.get("min_posts") else ())

    async def lacking(self, metadata: dict[str, Any], trail: Any) -> str | None:
        needed = metadata.get("min_posts") or 0
        if not needed:
            return None
        written = await trail.times("forum.posted")
        return None if written >= needed else f"{written} of {needed} posts were written"

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        return {"min_posts": metadata.get("min_posts") or 0}


content_type = Forum()
