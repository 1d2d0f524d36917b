"""The rules of each field as plain data, for whoever writes them in another language.

``contracts.flink`` renders them as a condition of Flink SQL, ``contracts.canonical`` as one pattern
over a message's bytes. The classes say them once; pydantic's JSON Schema is how they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from contracts.event import TIMESTAMP_PATTERN, Event

_YEAR = "(?:19[7-9][0-9]|2[01][0-9]{2})"
TIMESTAMP = (
    # A real date of the Gregorian calendar of the years that events may name ...
    f"(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    "|(?:19(?:7[26]|8[048]|9[26])|2000|2[01](?:0[48]|[2468][048]|[13579][26]))-02-29)"
    # ... and a real time of day.
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z"
)
"""The ``pattern`` of every timestamp: which days there are cannot be said by bounds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field may be; ``pattern`` has to match the whole text and has no anchors.

    ``low`` and ``high`` bound a number, or the length of a text without pattern or choices; None is
    no bound. With ``exclusive``, ``low`` itself is refused. ``choices`` are all values there are.
    """

    type: str
    """``string``, ``integer``, ``number`` or ``boolean``; ``other`` has no rule here."""
    required: bool
    nullable: bool
    default: Any
    pattern: str | None
    choices: tuple[Any, ...]
    low: float | None
    high: float | None
    exclusive: bool

    @property
    def free_text(self) -> bool:
        """Whether only its length is bounded."""
        return self.type == "string" and self.pattern is None and not self.choices


@cache
def fields(model: type[BaseModel]) -> Mapping[str, Rule]:
    """The rule of each field of an event class, or of an envelope, in the order of the class."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return {name: _rule(prop, name in required) for name, prop in schema["properties"].items()}


def versions(event: type[Event]) -> str:
    """The pattern of the schema versions that a message of this event may have."""
    return "|".join(str(version) for version in range(1, event.VERSION + 1))


def _rule(prop: Mapping[str, Any], required: bool) -> Rule:
    choices = prop.get("anyOf", [prop])
    [given, *others] = [choice for choice in choices if choice.get("type") != "null"]
    words = {"string": "Length", "integer": "imum", "number": "imum"}
    type_, word = given.get("type", "other"), words.get(given.get("type"), "")
    if others or given.get("format") not in (None, "uuid", "date-time"):
        type_ = "other"
    pattern = given.get("pattern")
    if pattern == TIMESTAMP_PATTERN:
        pattern = TIMESTAMP
    return Rule(
        type=type_,
        required=required,
        nullable=len(choices) > 1 + len(others),
        default=prop.get("default"),
        pattern=pattern and re.sub(r"^\^|\$$", "", pattern),
        choices=tuple(given.get("enum") or [given[name] for name in ("const",) if name in given]),
        low=given.get(f"min{word}", given.get("exclusiveMinimum")),
        high=given.get(f"max{word}"),
        exclusive="exclusiveMinimum" in given,
    )
