"""What an event is: a frozen class that declares its type, topic, key and version once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
)

from contracts.topics import Topic

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field that points at a person: erasure and export follow these markers."""

    about: str


Id = Annotated[str, Field(pattern=UUID_PATTERN, json_schema_extra={"format": "uuid"})]
"""A UUID in its one canonical text form: two spellings of one id would be two groups in SQL."""

PersonId = Annotated[Id, Personal("identifies a learner or member of staff")]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A machine name such as an item's kind: ``video``, ``oucontent``."""
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
MinorUnits = Count
"""Money in the smallest unit of its currency: 1250 is 12.50 EUR, but 1250 JPY."""
CURRENCY_PATTERN = r"^[A-Z]{3}$"
Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN)]
"""ISO 4217, as in ``EUR``."""
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


TIMESTAMP_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_is_timestamp = re.compile(TIMESTAMP_PATTERN).match


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""A timestamp lies from the first to before the second. What PostgreSQL can hold but no client can
read (years before Christ, the far future) must not reach a table whose chunks follow it."""


def _utc_only(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo is not None else value
    if isinstance(value, str) and _is_timestamp(value):
        return value
    raise ValueError("a timestamp is a string like 2026-02-17T14:30:00Z, in UTC")


def _within_range(value: datetime) -> datetime:
    if not EARLIEST <= value < LATEST:
        raise ValueError(f"a timestamp lies from {EARLIEST.year} to {LATEST.year - 1}")
    return value


def _iso_z(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    Strict(False),  # the check before it is the strict one
    BeforeValidator(_utc_only),
    AfterValidator(_within_range),
    PlainSerializer(_iso_z, return_type=str, when_used="json"),
    Field(json_schema_extra={"pattern": TIMESTAMP_PATTERN}),
]
"""A moment in UTC, written ``2026-02-17T14:30:00Z``, at most microseconds, from 1970 to 2199."""

EVENTS: dict[str, type[Event]] = {}
"""Every event class by its type, filled as the classes are defined."""


class Event(BaseModel):
    """Payload of one kind of event.

    Subclass with ``class ContentViewed(Event, type="content.viewed", topic=CONTENT,
    key="user_id")``. Everything else (encoding, JSON Schema, Flink DDL, fixtures, docs) is derived.
    A field this version does not know is ignored, so that an older reader survives a newer writer.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]
    KEY: ClassVar[str]
    VERSION: ClassVar[int]
    LEARNER_ACTION: ClassVar[bool]
    """Whether the learner ``user_id`` did this: sessions and active days are made of such events,
    not of what happens to a learner, as a grade does (``contracts.events.LEARNER_ACTIONS``)."""

    def __init_subclass__(
        cls,
        *,
        type: str,
        topic: Topic,
        key: str,
        version: int = 1,
        learner_action: bool = False,
        **kwargs: Any,
    ) -> None:
        """Declares the class keywords; the fields are known only in the hook below."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(  # type: ignore[override]
        cls,
        *,
        type: str,
        topic: Topic,
        key: str,
        version: int = 1,
        learner_action: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if type in EVENTS:
            raise TypeError(f"two classes declare the event {type!r}")
        if key not in cls.model_fields:
            raise TypeError(f"{type}: the key {key!r} is not one of its fields")
        if learner_action and "user_id" not in cls.model_fields:
            raise TypeError(f"{type}: a learner's own action has a field 'user_id'")
        cls.TYPE, cls.TOPIC, cls.KEY, cls.VERSION = type, topic, key, version
        cls.LEARNER_ACTION = learner_action
        EVENTS[type] = cls

    @property
    def partition_key(self) -> str:
        """The Kafka key: events with the same one keep their order."""
        return str(getattr(self, self.KEY))


def personal_fields(event: type[Event]) -> list[str]:
    """Names of the fields of ``event`` that point at a person."""
    return [
        name
        for name, info in event.model_fields.items()
        if any(isinstance(mark, Personal) for mark in info.metadata)
    ]
