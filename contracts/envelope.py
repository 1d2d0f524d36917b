"""The envelope every event travels in, its JSON encoding, and its strict decoding."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, cast

import pydantic_core
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    TypeAdapter,
    create_model,
)

from contracts import events as _events  # noqa: F401  (fills the catalogue)
from contracts.errors import Rejected
from contracts.event import EVENTS, Event, Id, Timestamp
from contracts.ids import new_id
from contracts.topics import EVENT_TOPICS

MAX_BYTES = 256 * 1024
"""A longer message is refused unread."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The character in JSON, and not a backslash before its letters."""


class Envelope(BaseModel):
    """``{event_id, event_type, timestamp, source_service, payload}`` plus version and tenant."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    event_id: Id
    event_type: str
    timestamp: Timestamp
    source_service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    schema_version: int
    institution_id: Id
    payload: SerializeAsAny[Event]

    @property
    def topic(self) -> str:
        return self.payload.TOPIC.name

    @property
    def key(self) -> str:
        return self.payload.partition_key

    def encode(self) -> bytes:
        """UTF-8 JSON, in the field order above."""
        return self.__pydantic_serializer__.to_json(self)


def _concrete(event: type[Event]) -> type[Envelope]:
    fields: dict[str, Any] = {
        "event_type": (Literal[event.TYPE], ...),
        "schema_version": (Annotated[int, Field(ge=1, le=event.VERSION)], ...),
        "payload": (event, ...),
    }
    return create_model(f"{event.__name__}Envelope", __base__=Envelope, **fields)


ENVELOPES: dict[str, type[Envelope]] = {type_: _concrete(cls) for type_, cls in EVENTS.items()}
"""The concrete envelope model of every event type."""


def _adapter(topic_name: str) -> TypeAdapter[Envelope]:
    members = tuple(
        ENVELOPES[type_] for type_, cls in EVENTS.items() if cls.TOPIC.name == topic_name
    )
    union = members[0] if len(members) == 1 else Union[members]  # noqa: UP007
    return TypeAdapter(cast(Any, Annotated[union, Discriminator("event_type")]))


_ADAPTERS = {topic.name: _adapter(topic.name) for topic in EVENT_TOPICS}


def wrap(
    event: Event,
    *,
    institution_id: str,
    source_service: str,
    timestamp: datetime | None = None,
    event_id: str | None = None,
) -> Envelope:
    """Put an event in its envelope; a missing timestamp is now, a missing id is a new one."""
    return ENVELOPES[event.TYPE](
        event_id=event_id or new_id(),
        event_type=event.TYPE,
        timestamp=timestamp or datetime.now(UTC),
        source_service=source_service,
        schema_version=event.VERSION,
        institution_id=institution_id,
        payload=event,
    )


def decode(topic: str, message: bytes | None) -> Envelope:
    """Read one message of ``topic`` strictly.

    Raises ``Rejected`` with the facts ``reason`` (a code: ``empty``, ``too_large``, ``not_json``,
    ``unknown_event``, ``wrong_version``, ``invalid``) and ``detail`` (a sentence).
    """
    if not message:
        raise _rejected("empty", "the message has no value")
    if len(message) > MAX_BYTES:
        raise _rejected("too_large", f"{len(message)} bytes; the limit is {MAX_BYTES}")
    try:
        envelope = _ADAPTERS[topic].validate_json(message)
    except pydantic_core.ValidationError as error:
        raise _explain(error) from None
    if rb"\u0000" in message and _NUL.search(envelope.encode()):
        raise _rejected("invalid", "payload: a text holds U+0000, which PostgreSQL cannot store")
    return envelope


def _explain(error: pydantic_core.ValidationError) -> Rejected:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ENVELOPES)
    detail = f"{where}: {first['msg']}" if where else first["msg"]
    if first["type"] == "json_invalid":
        return _rejected("not_json", detail)
    if first["type"].startswith("union_tag"):
        return _rejected("unknown_event", detail)
    if where == "schema_version":
        return _rejected("wrong_version", detail)
    return _rejected("invalid", detail)


def _rejected(reason: str, detail: str) -> Rejected:
    return Rejected(f"{reason}: {detail}", reason=reason, detail=detail)
