"""A Kafka message as one line of COPY, or the dead letter that says why it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from confluent_kafka import Message

from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected

STAGE = "archive"

LATE = timedelta(hours=1)
FUTURE = timedelta(minutes=5)
"""How far a producer's clock may be ahead of ours, and an event behind, to go unmentioned."""

COLUMNS = (
    "event_id, event_type, topic, timestamp, institution_id, user_id, course_id, item_id, kind, "
    "clicks, source_service, schema_version, payload, received_at, batch_no"
)


@dataclass(slots=True)
class Batch:
    """Lines for COPY (all but the last column) and dead letters; together one per message.

    ``touched`` and ``loose`` tell the derivation (``pipelines.derive``) what the lines are about:
    learners with their days in UTC, and the events that are about no learner.
    """

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read."""
    lines: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """Where each line came from; empty where it came from no topic."""
    letters: list[DeadLetter] = field(default_factory=list)
    arrivals: dict[str, list[int]] = field(default_factory=dict)
    """By topic: how many events, how many of them late, how many from the future."""
    touched: set[tuple[str, date]] = field(default_factory=set)
    loose: list[tuple[str, datetime]] = field(default_factory=list)

    def add(self, envelope: Envelope, received_at: str, message: Message | None = None) -> None:
        self.lines.append(line(envelope, received_at))
        if message is not None:
            self.messages.append(message)
        seen = self.arrivals.setdefault(envelope.topic, [0, 0, 0])
        seen[0] += 1
        seen[1] += envelope.timestamp < self.at - LATE
        seen[2] += envelope.timestamp > self.at + FUTURE
        user_id = getattr(envelope.payload, "user_id", None)
        if user_id is None:
            self.loose.append((envelope.event_id, envelope.timestamp))
        else:
            self.touched.add((user_id, envelope.timestamp.date()))


def line(envelope: Envelope, received_at: str) -> str:
    """The event in COPY's text format, in the order of ``COLUMNS`` without the batch's number.

    Only the payload can hold a character that COPY reads as its own (the backslash of a JSON
    escape): every other column is of a pattern that has none.
    """
    payload = envelope.payload
    lifted = [
        "\\N" if value is None else str(value)
        for value in (
            getattr(payload, "user_id", None),
            getattr(payload, "course_id", None),
            getattr(payload, "item_id", None),
            getattr(payload, "kind", None),
            getattr(payload, "clicks", None),
        )
    ]
    body = payload.__pydantic_serializer__.to_json(payload).decode().replace("\\", "\\\\")
    return "\t".join(
        (
            envelope.event_id,
            envelope.event_type,
            payload.TOPIC.name,
            envelope.timestamp.isoformat(),
            envelope.institution_id,
            *lifted,
            envelope.source_service,
            str(envelope.schema_version),
            body,
            received_at,
        )
    )


def read(messages: list[Message]) -> Batch:
    """The messages as they go into the archive, or as letters that say why not."""
    batch = Batch()
    received_at = batch.at.isoformat()
    for message in messages:
        topic = message.topic() or ""
        value = message.value()
        try:
            batch.add(decode(topic, value), received_at, message)
        except Rejected as error:
            batch.letters.append(
                DeadLetter.of(
                    topic=topic,
                    partition=message.partition() or 0,
                    offset=message.offset() or 0,
                    reason=error.reason,
                    detail=error.detail,
                    stage=STAGE,
                    key=message.key(),
                    value=value,
                )
            )
    return batch
