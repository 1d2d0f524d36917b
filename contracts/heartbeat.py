"""A heartbeat: a message that takes an event's way into the tables and carries only its time.

The monitor sends one every few seconds through the LMS's outbox; the archive records the newest it
has read, in the transaction of the events around it. The time between is how long an event takes
from its commit to a readable row.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.event import Id, Timestamp


class Heartbeat(BaseModel):
    """The Kafka key is ``KEY``: heartbeats keep their order, and a topic that keeps the newest of
    each key keeps one."""

    model_config = ConfigDict(frozen=True)

    heartbeat_id: Id
    """Of version 7: a later heartbeat has a greater one."""
    sent_at: Timestamp
    """Just before the commit, by the sender's clock."""


KEY = "heartbeat"


def read(value: bytes | None) -> Heartbeat | None:
    """The heartbeat of a message; None where it is none."""
    try:
        return Heartbeat.model_validate_json(value or b"")
    except ValidationError:
        return None
