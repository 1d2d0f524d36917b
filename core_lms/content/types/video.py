"""A video: watched in spans, completed when enough of it has been seen."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from contracts.event import Id
from core_lms.content.types._generic import VIEWED, File, Generic, Metadata, file_or_url

ENOUGH = 0.9
"""The share that counts as watched, unless the item says otherwise: credits need not be seen."""


class Captions(Metadata):
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    media_id: Id


class VideoMetadata(File):
    duration_s: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    watched_share: Annotated[float, Field(gt=0, le=1)] = ENOUGH
    captions: Annotated[list[Captions], Field(max_length=50)] = Field(default_factory=list)


class Video(Generic):
    """With ``duration_s`` known, seconds seen decide; otherwise the learner's word does."""

    about = "A video file or address; with metadata.duration_s completed by watching 90 % of it"
    metadata = VideoMetadata
    interactions = VIEWED | {
        "content.downloaded",
        "video.played",
        "video.paused",
        "video.seeked",
        "video.watched",
    }

    def media_ids(self, metadata: dict[str, Any]) -> list[str]:
        captions = [track["media_id"] for track in metadata.get("captions") or ()]
        return super().media_ids(metadata) + captions

    def completing(self, metadata: dict[str, Any]) -> frozenset[str]:
        return frozenset({"video.watched"} if metadata.get("duration_s") else ())

    async def lacking(self, metadata: dict[str, Any], trail: Any) -> str | None:
        duration_s = metadata.get("duration_s")
        if not duration_s:
            return None
        share = await trail.watched_s(float(duration_s)) / float(duration_s)
        enough = float(metadata.get("watched_share", ENOUGH))
        if share >= enough:
            return None
        return f"{share:.0%} of the video was watched, {enough:.0%} is needed"

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        captions = [
            {"language": track["language"], **links.media(track["media_id"])}
            for track in metadata.get("captions") or ()
        ]
        return {
            **file_or_url(metadata, links),
            "duration_s": metadata.get("duration_s"),
            "captions": captions,
        }


content_type = Video()
