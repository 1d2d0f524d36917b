"""A Kafka message as one row of the archive, or the dead letter that explains why not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import repeat
from operator import itemgetter

from confluent_kafka import Message

from contracts import canonical
from contracts.dead_letters import DeadLetter
from contracts.envelope import MAX_BYTES, Envelope, decode
from contracts.errors import Rejected
from contracts.event import EVENTS, personal_fields
from pipelines.archive import binary
from stack.pseudonyms import Pseudonyms, among

STAGE = "archive"

LATE = timedelta(hours=1)
FUTURE = timedelta(minutes=5)
"""How late an event, or how far ahead of our clock, may be before it is counted as such."""

_READ = (
    *("event_id", "timestamp", "institution_id", *canonical.LIFTED),
    *("source_service", "schema_version", "payload"),
)
COLUMNS = (*_READ, "event_type", "topic", "received_at", "batch_no")

_USER, _PAYLOAD = _READ.index("user_id"), _READ.index("payload")
_MENTIONING = {name for name, event in EVENTS.items() if set(personal_fields(event)) - {"user_id"}}
"""Events that may name somebody in another field."""
_ids = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Row = tuple[bytes | None, ...]
"""The fields of ``_READ`` as they are in a message, without quotes: None where one is null, empty
where the event has no such field."""


@dataclass(frozen=True, slots=True)
class Form:
    """Messages of one type and topic: what matches one, and which groups are columns."""

    place: tuple[str, str]
    fullmatch: Callable[[bytes], re.Match[bytes] | None]
    columns: tuple[int, ...]


@cache
def _form(event_type: str, topic: str) -> Form | None:
    pattern = canonical.pattern(topic, event_type)
    if pattern is None:
        return None
    columns = tuple(pattern.groupindex[name] for name in _READ)
    return Form((event_type, topic), pattern.fullmatch, columns)


@dataclass(slots=True)
class Batch:
    """Rows and dead letters; together one per message."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read."""
    rows: list[Row] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    """Each row's event type and topic."""
    messages: list[Message] = field(default_factory=list)
    """Where each row came from; empty where it came from no topic."""
    letters: list[DeadLetter] = field(default_factory=list)
    _form: Form | None = field(default=None, compare=False)
    """Of the message before: mostly the next one's too."""

    def add(self, envelope: Envelope, message: Message | None = None) -> None:
        """An event as ``decode`` reads it."""
        payload = envelope.payload
        given = (getattr(payload, name, "") for name in canonical.LIFTED)
        row = (
            envelope.event_id.encode(),
            utc_text(envelope.timestamp),
            envelope.institution_id.encode(),
            *(None if value is None else str(value).encode() for value in given),
            envelope.source_service.encode(),
            str(envelope.schema_version).encode(),
            payload.__pydantic_serializer__.to_json(payload),
        )
        self._append(row, (envelope.event_type, envelope.topic), message)

    def take(self, topic: str, value: bytes | None, message: Message | None = None) -> bool:
        """An event as ``canonical`` reads it: the same row. False: ``decode`` decides."""
        if value is None or len(value) > MAX_BYTES:
            return False
        form = self._form
        found = form.fullmatch(value) if form is not None and form.place[1] == topic else None
        if found is None:
            event_type = canonical.type_of(value)
            form = _form(event_type, topic) if event_type else None
            found = form.fullmatch(value) if form is not None else None
        if form is None or found is None:
            return False
        self._form = form
        self._append(found.group(*form.columns), form.place, message)
        return True

    def _append(self, row: Row, place: tuple[str, str], message: Message | None) -> None:
        self.rows.append(row)
        self.places.append(place)
        if message is not None:
            self.messages.append(message)

    def rename(self, pseudonyms: Pseudonyms) -> None:
        """Replace the ids of erased people by their pseudonyms."""
        if not pseudonyms:
            return
        named = [_named(row, place[0]) for row, place in zip(self.rows, self.places, strict=True)]
        gone = {
            old.encode(): new.encode()
            for old, new in among({id_ for ids in named for id_ in ids}, pseudonyms).items()
        }
        for number, ids in enumerate(named) if gone else ():
            for id_ in ids:
                if (new := gone.get(id_.encode())) is not None:
                    self.rows[number] = _renamed(self.rows[number], id_.encode(), new)

    def arrivals(self) -> dict[str, tuple[int, int, int]]:
        """By topic: how many events, how many of them late, how many from the future."""
        # UTC timestamps compare as their texts do. To the second: any fraction sorts before "~".
        late = (self.at - LATE).isoformat()[:19].encode()
        future = (self.at + FUTURE).isoformat()[:19].encode() + b"~"
        by_topic: dict[str, list[bytes]] = defaultdict(list)
        for (_, topic), row in zip(self.places, self.rows, strict=True):
            by_topic[topic].append(_timestamp(row))
        return {
            topic: (len(found), sum(map(late.__gt__, found)), sum(map(future.__lt__, found)))
            for topic, found in by_topic.items()
        }

    def span(self) -> tuple[str, str] | None:
        """The seconds in which the first and the last of the events happened."""
        if not self.rows:
            return None
        first, last = min(map(_timestamp, self.rows)), max(map(_timestamp, self.rows))
        return f"{first[:19].decode()}Z", f"{last[:19].decode()}Z"

    def copied(self, number: int) -> Iterator[bytes]:
        """The rows as those of batch ``number``, for a COPY of ``COLUMNS`` in binary format."""
        columns = {name: map(itemgetter(at), self.rows) for at, name in enumerate(_READ)}
        count = len(self.rows)
        return binary.table(
            count,
            len(COLUMNS),
            binary.keys(columns["event_id"]),
            binary.timestamps(columns["timestamp"]),
            binary.uuids(columns["institution_id"]),
            binary.uuids(columns["user_id"]),
            binary.uuids(columns["course_id"]),
            binary.uuids(columns["item_id"]),
            binary.texts(columns["kind"]),
            binary.integers(columns["clicks"]),
            binary.texts(columns["source_service"]),
            binary.smallints(columns["schema_version"]),
            *binary.documents(columns["payload"]),
            map(_placed, self.places),
            repeat(binary.timestamps([utc_text(self.at)])[0] + binary.bigint(number), count),
        )


def _named(row: Row, event_type: str) -> set[str]:
    """The people whom a row may be about, and in a rare one every other id there is."""
    found = set(_ids.findall(row[_PAYLOAD] or b"")) if event_type in _MENTIONING else set()
    return {id_.decode() for id_ in (*found, row[_USER]) if id_}


def _renamed(row: Row, old: bytes, new: bytes) -> Row:
    values = list(row)
    values[_USER] = new if row[_USER] == old else row[_USER]
    values[_PAYLOAD] = (row[_PAYLOAD] or b"").replace(old, new)
    return tuple(values)


_timestamp = itemgetter(1)


@cache
def _placed(place: tuple[str, str]) -> bytes:
    return b"".join(binary.field(name.encode()) for name in place)


def utc_text(at: datetime) -> bytes:
    """A UTC timestamp as messages have it."""
    return at.isoformat().replace("+00:00", "Z").encode()


def read(messages: list[Message]) -> Batch:
    """The messages as rows of the archive, or as dead letters."""
    batch = Batch()
    for message in messages:
        topic = message.topic() or ""
        value = message.value()
        if batch.take(topic, value, message):
            continue
        try:
            batch.add(decode(topic, value), message)
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
