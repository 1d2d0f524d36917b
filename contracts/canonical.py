"""The encoding of an envelope as one pattern: what matches is valid, and its fields are groups.

``contracts.envelope.decode`` is the rule. But our own producers all write what ``Envelope.encode``
writes, field for field in one order, and there one regular expression tells as much at a third of
the price. What does not match may still be valid (spaces, another order, letters beyond ASCII,
uncommon numbers): then ``decode`` has to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from contracts.envelope import ENVELOPES
from contracts.event import EVENTS, TIMESTAMP_PATTERN, Event
from contracts.flink import _MOMENT

Property = Mapping[str, Any]

FIELDS = ("event_id", "timestamp", "source_service", "schema_version", "institution_id", "payload")
LIFTED = ("user_id", "course_id", "item_id", "kind", "clicks")
"""Fields of a payload that are groups of its pattern, where it has them."""

_TYPE_FROM = len('{"event_id":"') + 36 + len('","event_type":"')
_TYPES = {name.encode(): name for name in EVENTS}
_PLAIN = re.compile(r"[a-zA-Z0-9_\[\]{},()?:|-]+")
"""Patterns of which every match stands for itself in JSON."""

_WRITTEN = _MOMENT.replace("(?:[.][0-9]{1,6})?Z", "(?:[.](?!000000)[0-9]{6})?Z")
"""A real moment with no fraction or one of six digits."""


def type_of(message: bytes) -> str | None:
    """The event's type, if the message is just as ``encode`` writes it; else mostly None."""
    return _TYPES.get(message[_TYPE_FROM : message.find(b'"', _TYPE_FROM)])


@cache
def pattern(topic: str, event_type: str) -> re.Pattern[bytes] | None:
    """What matches the whole of a valid event of at most ``MAX_BYTES``, just as ``encode`` writes
    it.

    Groups are ``FIELDS`` and ``LIFTED``, as text in ASCII: ``payload`` as JSON without a backslash
    in it; of the lifted ones those are None that are null, and empty that the event does not have.
    Returns None where there is no such event, or one with a field that no pattern describes.
    """
    event = EVENTS.get(event_type)
    if event is None or event.TOPIC.name != topic:
        return None
    rules = event.__pydantic_decorators__
    if rules.field_validators or rules.model_validators or rules.field_serializers:
        return None
    schema = ENVELOPES[event_type].model_json_schema()["properties"]
    own: dict[str, Property] = event.model_json_schema()["properties"]
    fields = [_field(name, prop) for name, prop in own.items()]
    envelope = [
        _payload(fields)
        if name == "payload"
        else _versions(event)
        if name == "schema_version"
        else _field(name, schema[name])
        for name in ENVELOPES[event_type].model_fields
    ]
    if None in fields or None in envelope:
        return None
    whole = r"\{" + ",".join(part for part in envelope if part) + r"\}"
    whole += "".join(f"(?P<{name}>)" for name in LIFTED if name not in own)
    # A count of characters of a set gives nothing back: trying costs a quarter of the match.
    return re.compile(re.sub(r"(?<=\])\{\d+\}", r"\g<0>+", whole).encode("ascii"))


def _payload(fields: list[str | None]) -> str:
    return r'"payload":(?P<payload>\{' + ",".join(part for part in fields if part) + r"\})"


def _versions(event: type[Event]) -> str:
    versions = "|".join(str(version) for version in range(1, event.VERSION + 1))
    return f'"schema_version":(?P<schema_version>{versions})'


def _field(name: str, prop: Property) -> str | None:
    choices = prop.get("anyOf", [prop])
    given = [choice for choice in choices if choice.get("type") != "null"]
    value = _value(name, given[0]) if len(given) == 1 else None
    if value is None:
        return None
    return f'"{name}":' + (f"(?:{value}|null)" if len(given) < len(choices) else value)


def _value(name: str, prop: Property) -> str | None:
    kind = prop.get("type")
    if "const" in prop or "enum" in prop:
        values = prop.get("enum") or [prop["const"]]
        if not all(isinstance(value, str) and value.isascii() for value in values):
            return None
        return _text(name, "|".join(re.escape(value) for value in values))
    if kind == "integer":
        digits = _digits(prop)
        least = prop.get("minimum", None)
        if digits is None or least not in (0, 1):
            return None
        zero = "0|" if least == 0 else ""
        return _group(name, f"{zero}[1-9][0-9]{{0,{digits - 1}}}")
    if kind == "number":
        digits = _digits(prop)
        if digits is None or prop.get("minimum") != 0 or "exclusiveMinimum" in prop:
            return None
        # As a float is written: never 1.50, and no exponent down to 0.0001.
        return _group(name, f"(?:0|[1-9][0-9]{{0,{digits - 1}}})[.](?:0|[0-9]{{0,3}}[1-9])")
    if kind == "boolean":
        return _group(name, "true|false")
    if kind != "string" or prop.get("format") not in (None, "uuid", "date-time"):
        return None
    if prop.get("pattern") == TIMESTAMP_PATTERN:
        return _text(name, _WRITTEN)
    if "pattern" in prop:
        text = str(prop["pattern"]).removeprefix("^").removesuffix("$")
        return _text(name, text) if _PLAIN.fullmatch(text) else None
    low, high = prop.get("minLength", 0), prop.get("maxLength", "")
    return _text(name, rf"[ !#-\[\]-~]{{{low},{high}}}")


def _text(name: str, shape: str) -> str:
    return f'"{_group(name, shape)}"'


def _group(name: str, shape: str) -> str:
    return f"(?P<{name}>{shape})" if name in FIELDS or name in LIFTED else f"(?:{shape})"


def _digits(prop: Property) -> int | None:
    """With so many digits a whole number is within the bound, and so is its fraction."""
    highest = prop.get("maximum", 10**15)
    return None if highest < 10 else min(len(str(int(highest))) - 1, 9)
