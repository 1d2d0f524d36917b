"""A heartbeat: a message that goes an event's way into the tables and tells nothing but its time.

The monitor sends one every few seconds through the LMS's outbox; the archive writes down the newest
it has read, in the transaction of the events around it. What lies between is how long an event
takes from its commit to a row that can be read.
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
    """None for what somebody else wrote there: it measures nothing and is nobody's event."""
    try:
        return Heartbeat.model_validate_json(value or b"")
    except ValidationError:
        return None
