"""A dead letter: what could not be read, where it stood, why, and enough to repair it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated

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
