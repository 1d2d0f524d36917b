"""A dead letter: what could not be read, its topic, partition and offset, and the reason.

``lms.dead-letters`` also records how each was resolved: nothing is ever deleted from it.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Timestamp


class DeadLetter(BaseModel):
    """One value of ``lms.dead-letters``; its Kafka key is ``topic/partition/offset``.

    Two readers may refuse the same message: the key is the same, so they are one letter.
    """

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int
    offset: int
    reason: str
    """A code: see ``contracts.envelope.decode``."""
    detail: str
    """What exactly was wrong, for a person."""
    stage: str
    """Who refused it: the name of a job or process."""
    failed_at: Timestamp
    key: str | None = None
    raw: Annotated[str, Field(description="the message's bytes, base64")]

    @property
    def message_key(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def message(self) -> bytes:
        return base64.b64decode(self.raw)

    @classmethod
    def of(
        cls,
        *,
        topic: str,
        partition: int,
        offset: int,
        reason: str,
        detail: str,
        stage: str,
        key: bytes | None,
        value: bytes | None,
    ) -> DeadLetter:
        return cls(
            topic=topic,
            partition=partition,
            offset=offset,
            reason=reason,
            detail=detail,
            stage=stage,
            failed_at=datetime.now(UTC),
            key=None if key is None else key.decode("utf-8", "replace"),
            raw=base64.b64encode(value or b"").decode(),
        )


class Resolution(BaseModel):
    """What became of a dead letter; the Kafka key is the letter's.

    It is published in one transaction with the repaired message, so that either both are there or
    neither is.
    """

    model_config = ConfigDict(frozen=True)

    resolution: Literal["replayed", "discarded"]
    topic: str
    partition: int
    offset: int
    resolved_at: Timestamp
    event_id: str | None = None
    """Of the message that took its place; None: discarded."""
    note: str = ""
    """Why, in the words of whoever did it."""

    @property
    def message_key(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"
