"""A Kafka message as one line of COPY, or the dead letter that says why it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from confluent_kafka import Message

from contracts import canonical
from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected

STAGE = "archive"

NULL = ""
"""No column can be empty: so the empty text says NULL in COPY."""

LATE = timedelta(hours=1)
FUTURE = timedelta(minutes=5)
"""How far a producer's clock may be ahead of ours, and an event behind, to go unmentioned."""

_READ = (
    *("event_id", "timestamp", "institution_id", *canonical.LIFTED),
    *("source_service", "schema_version", "payload"),
)
COLUMNS = ", ".join((*_READ, "event_type", "topic", "received_at", "batch_no"))


@dataclass(frozen=True, slots=True)
class Form:
    """Messages of one type: what matches one, which groups are columns, how a line ends."""

    topic: str
    fullmatch: Callable[[str], re.Match[str] | None]
    columns: tuple[int, ...]
    end: str


@cache
def _form(topic: str, event_type: str) -> Form | None:
    pattern = canonical.pattern(topic, event_type)
    if pattern is None:
        return None
    columns = tuple(pattern.groupindex[name] for name in _READ)
    return Form(topic, pattern.fullmatch, columns, f"\t{event_type}\t{topic}\t")


@dataclass(slots=True)
class Batch:
    """Lines for COPY (all but the last column) and dead letters; together one per message."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read."""
    lines: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """Where each line came from; empty where it came from no topic."""
    letters: list[DeadLetter] = field(default_factory=list)
    arrivals: dict[str, list[int]] = field(default_factory=dict)
    """By topic: how many events, how many of them late, how many from the future."""
    _first: str = field(init=False, default="~")
    _last: str = field(init=False, default="")
    _received_at: str = field(init=False)
    _late: str = field(init=False)
    _future: str = field(init=False)
    _form: Form | None = field(default=None, compare=False)
    """Of the message before: mostly the next one's too."""

    def __post_init__(self) -> None:
        self._received_at = self.at.isoformat()
        # Moments in UTC compare as their texts do. To the second: what follows it is less than ~.
        self._late = (self.at - LATE).isoformat()[:19]
        self._future = (self.at + FUTURE).isoformat()[:19] + "~"

    def add(self, envelope: Envelope, received_at: str, message: Message | None = None) -> None:
        """An event as ``decode`` reads it."""
        self._note(envelope.topic, moment(envelope.timestamp))
        self.lines.append(line(envelope, received_at))
        if message is not None:
            self.messages.append(message)

    def take(self, topic: str, value: bytes | None, message: Message | None = None) -> bool:
        """An event as ``canonical`` reads it: the same line. False: ``decode`` has to say."""
        text = canonical.text(value)
        if text is None:
            return False
        form = self._form
        found = form.fullmatch(text) if form is not None and form.topic == topic else None
        if found is None:
            event_type = canonical.type_of(text)
            form = _form(topic, event_type) if event_type else None
            found = form.fullmatch(text) if form is not None else None
        if form is None or found is None:
            return False
        self._form = form
        fields = found.group(*form.columns)
        self._note(topic, fields[1])
        try:
            columns = "\t".join(fields)
        except TypeError:  # a field is null
            columns = "\t".join([value or NULL for value in fields])
        self.lines.append(columns + form.end + self._received_at)
        if message is not None:
            self.messages.append(message)
        return True

    def _note(self, topic: str, timestamp: str) -> None:
        seen = self.arrivals.get(topic)
        if seen is None:
            seen = self.arrivals[topic] = [0, 0, 0]
        seen[0] += 1
        if timestamp < self._late:
            seen[1] += 1
        elif timestamp > self._future:
            seen[2] += 1
        if timestamp < self._first:
            self._first = timestamp
        if timestamp > self._last:
            self._last = timestamp

    @property
    def span(self) -> tuple[str, str] | None:
        """The seconds in which the first and the last of the events happened."""
        return (f"{self._first[:19]}Z", f"{self._last[:19]}Z") if self.lines else None


def line(envelope: Envelope, received_at: str) -> str:
    """The event in COPY's text format, in the order of ``COLUMNS`` without the batch's number.

    Only the payload can hold a character that COPY reads as its own (the backslash of a JSON
    escape): every other column is of a pattern that has none.
    """
    payload = envelope.payload
    values = [getattr(payload, name, None) for name in canonical.LIFTED]
    body = payload.__pydantic_serializer__.to_json(payload).decode().replace("\\", "\\\\")
    return "\t".join(
        (
            envelope.event_id,
            moment(envelope.timestamp),
            envelope.institution_id,
            *(NULL if value is None else str(value) for value in values),
            envelope.source_service,
            str(envelope.schema_version),
            body,
            envelope.event_type,
            payload.TOPIC.name,
            received_at,
        )
    )


def moment(at: datetime) -> str:
    """As a moment in UTC stands in a message, and in a line."""
    return at.isoformat().replace("+00:00", "Z")


def read(messages: list[Message]) -> Batch:
    """The messages as they go into the archive, or as letters that say why not."""
    batch = Batch()
    received_at = batch.at.isoformat()
    for message in messages:
        topic = message.topic() or ""
        value = message.value()
        if batch.take(topic, value, message):
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
