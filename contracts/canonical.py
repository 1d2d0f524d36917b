"""The encoding of an envelope as one pattern: what matches is valid, and its fields are groups.

``contracts.envelope.decode`` is the rule. But our own producers all write what ``Envelope.encode``
writes, field for field in one order, and there one regular expression says as much at a third of
the price. What does not match may still be valid (spaces, another order, letters beyond ASCII,
uncommon numbers): then ``decode`` decides.
"""

from __future__ import annotations

import re
from functools import cache

from contracts.envelope import ENVELOPES
from contracts.event import EVENTS
from contracts.rules import TIMESTAMP, Rule, fields, versions

FIELDS = ("event_id", "timestamp", "source_service", "schema_version", "institution_id", "payload")
LIFTED = ("user_id", "course_id", "item_id", "kind", "clicks")
"""Fields of a payload that are groups of its pattern, where it has them."""

_TYPE_FROM = len('{"event_id":"') + 36 + len('","event_type":"')
_TYPES = {name.encode(): name for name in EVENTS}
_PLAIN = re.compile(r"[a-zA-Z0-9_\[\]{},()?:|-]+")
"""Patterns of which every match stands for itself in JSON."""

_WRITTEN = TIMESTAMP.replace("(?:[.][0-9]{1,6})?Z", "(?:[.](?!000000)[0-9]{6})?Z")
"""A timestamp with no fraction, or one of six digits."""


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
    own = event.__pydantic_decorators__
    if own.field_validators or own.model_validators or own.field_serializers:
        return None
    try:
        payload = ",".join(_field(name, rule) for name, rule in fields(event).items())
        special = {
            "schema_version": f'"schema_version":(?P<schema_version>{versions(event)})',
            "payload": rf'"payload":(?P<payload>\{{{payload}\}})',
        }
        whole = ",".join(
            special.get(name) or _field(name, rule)
            for name, rule in fields(ENVELOPES[event_type]).items()
        )
    except _NoPattern:
        return None
    whole = rf"\{{{whole}\}}" + "".join(
        f"(?P<{name}>)" for name in LIFTED if name not in fields(event)
    )
    # A count of characters of a set gives nothing back: trying costs a quarter of the match.
    return re.compile(re.sub(r"(?<=\])\{\d+\}", r"\g<0>+", whole).encode("ascii"))


class _NoPattern(Exception):
    """A rule that no pattern over the encoded text says exactly."""


def _field(name: str, rule: Rule) -> str:
    value = f"(?P<{name}>{_value(rule)})" if name in FIELDS + LIFTED else f"(?:{_value(rule)})"
    if rule.type == "string":
        value = f'"{value}"'
    return f'"{name}":' + (f"(?:{value}|null)" if rule.nullable else value)


def _value(rule: Rule) -> str:
    match rule:
        case Rule(type="string", choices=(_, *_)) if all(map(str.isascii, rule.choices)):
            return "|".join(map(re.escape, rule.choices))
        case Rule(choices=(_, *_)):
            raise _NoPattern
        case Rule(type="integer", low=0 | 1):
            return ("0|" if rule.low == 0 else "") + f"[1-9][0-9]{{0,{_digits(rule) - 1}}}"
        case Rule(type="number", low=0, exclusive=False):
            # As a float is written: never 1.50, and no exponent down to 0.0001.
            return f"(?:0|[1-9][0-9]{{0,{_digits(rule) - 1}}})[.](?:0|[0-9]{{0,3}}[1-9])"
        case Rule(type="boolean"):
            return "true|false"
        case Rule(type="string", pattern=None):
            return rf"[ !#-\[\]-~]{{{rule.low or 0},{'' if rule.high is None else rule.high}}}"
        case Rule(type="string", pattern=text) if text == TIMESTAMP:
            return _WRITTEN
        case Rule(type="string", pattern=str(text)) if _PLAIN.fullmatch(text):
            return text
    raise _NoPattern


def _digits(rule: Rule) -> int:
    """With so many digits a whole number is within the bound, and so is its fraction."""
    high = 10**15 if rule.high is None else rule.high
    if high < 10:
        raise _NoPattern
    return min(len(str(int(high))) - 1, 9)
