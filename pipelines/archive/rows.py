"""A Kafka message as one line of COPY, or the dead letter that says why it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from confluent_kafka import Message

from contracts import canonical
from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected

STAGE = "archive"

NULL = "\\N"

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
    touched: set[tuple[str, str]] = field(default_factory=set)
    loose: list[tuple[str, str]] = field(default_factory=list)
    _late: str = field(init=False)
    _future: str = field(init=False)

    def __post_init__(self) -> None:
        # Moments of one width in UTC compare as their texts do, to the second.
        self._late = (self.at - LATE).isoformat()[:19]
        self._future = (self.at + FUTURE).isoformat()[:19]

    def add(self, envelope: Envelope, received_at: str, message: Message | None = None) -> None:
        """An event as ``decode`` reads it."""
        user_id = getattr(envelope.payload, "user_id", None)
        self._note(envelope.topic, envelope.event_id, envelope.timestamp.isoformat(), user_id)
        self.lines.append(line(envelope, received_at))
        if message is not None:
            self.messages.append(message)

    def take(
        self, found: re.Match[str], topic: str, received_at: str, message: Message | None = None
    ) -> None:
        """An event as ``canonical`` reads it: the same line."""
        fields = found.groupdict()
        get = fields.get
        event_id, user_id = fields["event_id"], get("user_id")
        timestamp = f"{fields['timestamp'][:-1]}+00:00"
        self._note(topic, event_id, timestamp, user_id)
        self.lines.append(
            f"{event_id}\t{fields['event_type']}\t{topic}\t{timestamp}\t"
            f"{fields['institution_id']}\t{user_id or NULL}\t{get('course_id') or NULL}\t"
            f"{get('item_id') or NULL}\t{get('kind') or NULL}\t{get('clicks') or NULL}\t"
            f"{fields['source_service']}\t{fields['schema_version']}\t{fields['payload']}\t"
            f"{received_at}"
        )
        if message is not None:
            self.messages.append(message)

    def _note(self, topic: str, event_id: str, timestamp: str, user_id: str | None) -> None:
        seen = self.arrivals.get(topic)
        if seen is None:
            seen = self.arrivals[topic] = [0, 0, 0]
        seen[0] += 1
        second = timestamp[:19]
        if second < self._late:
            seen[1] += 1
        elif second > self._future:
            seen[2] += 1
        if user_id is None:
            self.loose.append((event_id, timestamp))
        else:
            self.touched.add((user_id, timestamp[:10]))


def line(envelope: Envelope, received_at: str) -> str:
    """The event in COPY's text format, in the order of ``COLUMNS`` without the batch's number.

    Only the payload can hold a character that COPY reads as its own (the backslash of a JSON
    escape): every other column is of a pattern that has none.
    """
    payload = envelope.payload
    lifted = [
        NULL if value is None else str(value)
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
        found = canonical.match(topic, value)
        if found is not None:
            batch.take(found, topic, received_at, message)
            continue
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
