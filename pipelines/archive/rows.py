"""A Kafka message as one line of COPY, or the dead letter that says why it is not."""

from __future__ import annotations

from datetime import UTC, datetime

from confluent_kafka import Message

from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected

STAGE = "archive"

COLUMNS = (
    "event_id, event_type, topic, timestamp, institution_id, user_id, course_id, item_id, kind, "
    "clicks, source_service, schema_version, payload, received_at"
)


def line(envelope: Envelope, received_at: str) -> str:
    """The event in COPY's text format, in the order of ``COLUMNS``.

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


def read(messages: list[Message]) -> tuple[list[str], list[DeadLetter]]:
    """Lines for COPY and dead letters of one batch; together as many as there are messages."""
    received_at = datetime.now(UTC).isoformat()
    lines: list[str] = []
    letters: list[DeadLetter] = []
    for message in messages:
        topic = message.topic() or ""
        value = message.value()
        try:
            lines.append(line(decode(topic, value), received_at))
        except Rejected as error:
            letters.append(
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
    return lines, letters
