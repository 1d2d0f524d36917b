"""Kinds of content: each is one file of this folder, or a package that a third party installs.

A kind that nobody declares (importers bring many: ``oucontent``, ``resource``, ``url``) is a
generic item: any metadata, every interaction, completed when the learner says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from contracts.errors import Rejected
from core_lms.content.types._generic import Generic, Metadata
from core_lms.plugins import Point, plugins


class Trail(Protocol):
    """What one learner has done with one item, read when a kind asks for it."""

    async def watched_s(self, duration_s: float) -> float:
        """Seconds of a video of this length that were seen at least once."""

    async def times(self, event_type: str) -> int:
        """How often the learner did this."""

    async def handed_in(self, assessment_id: str) -> bool:
        """Whether the learner has handed in this work."""


class Links(Protocol):
    """Addresses for the one learner who asked."""

    def media(self, media_id: str) -> dict[str, Any]:
        """``url`` and ``expires_at`` of a file, or of none of this course: an empty dict."""


class ContentType(Protocol):
    """What a kind of content is; ``Generic`` has a default for everything but the name."""

    about: str
    """One sentence for whoever chooses a kind."""
    metadata: type[BaseModel]
    """The schema of an item's metadata; unknown members are kept."""
    interactions: frozenset[str]
    """The events that the item accepts; empty: every one."""

    def media_ids(self, metadata: dict[str, Any]) -> list[str]:
        """The files that an item with this metadata shows."""

    def unfinished(self, metadata: dict[str, Any], media: set[str]) -> str | None:
        """What keeps the item from being published, given the files that are there."""

    def completing(self, metadata: dict[str, Any]) -> frozenset[str]:
        """The events after which the item may be completed without a word by the learner."""

    async def lacking(self, metadata: dict[str, Any], trail: Trail) -> str | None:
        """What the learner still has to do before the item counts as completed; None: nothing."""

    def shown(self, metadata: dict[str, Any], links: Links) -> dict[str, Any]:
        """What a client needs to present the item to one learner."""


POINT = Point[ContentType](
    "learnstream.content_types",
    ContentType,
    Path(__file__).parent,
    attribute="content_type",
    about="kinds of content: metadata, interactions, completion, presentation",
)

__all__ = ["GENERIC", "POINT", "ContentType", "Generic", "Links", "Metadata", "Trail"]
"""What a third party's kind needs, besides ``checked``, ``accepts`` and ``of``, which use it."""

GENERIC = Generic()


def of(kind: str) -> ContentType:
    """The declared kind of this name, or the generic one."""
    return plugins(POINT).get(kind, GENERIC)


def checked(kind: str, metadata: dict[str, Any]) -> None:
    """Raises ``Rejected`` naming the member that the kind does not take."""
    try:
        of(kind).metadata.model_validate(metadata)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(name) for name in ("metadata", *first["loc"]))
        raise Rejected(
            f"{where}: {first['msg']} (kind {kind})", pointer=f"#/{where.replace('.', '/')}"
        ) from None


def accepts(kind: str, event_type: str) -> None:
    """Raises ``Rejected`` for an interaction that makes no sense with the kind."""
    known = of(kind).interactions
    if known and event_type not in known:
        raise Rejected(f"event_type: a {kind} takes {', '.join(sorted(known))}, not {event_type}")
