"""Flink SQL derived from the contracts: the table over a topic, and the view of its valid events.

A topic is read by Flink's ``json`` format, which parses once and natively but converts leniently
(``5.7`` and ``"5"`` would both become the integer 5). So the table takes every field as the text
that stood in the message, and the view repeats the contract's rules over that text: one generated
pattern over all fields, plus the bounds of numbers. A field that is no text where text is due, a
missing one, an unknown event, a wrong version never pass. What ``json`` cannot parse at all never
becomes a row. The letter about a refused message is written by the archive, which decodes every
message with ``contracts.envelope``; ``docs/adr/0002-strict-json-in-flink-sql.md`` tells why, and
the few spellings on which the two still differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts.envelope import Envelope
from contracts.event import EVENTS, TIMESTAMP_PATTERN, Event
from contracts.topics import DUPLICATES, Topic

Property = Mapping[str, Any]
"""One field's JSON Schema, as pydantic tells it."""

_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"
_YEAR = "(?:19[7-9][0-9]|2[01][0-9]{2})"
_MOMENT = (
    # A real date of the Gregorian calendar of the years that events may name ...
    f"(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    "|(?:19(?:7[26]|8[048]|9[26])|2000|2[01](?:0[48]|[2468][048]|[13579][26]))-02-29)"
    # ... and a real time of day.
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z"
)


def table_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_messages``: every parsed message, valid or not."""
    return f"{topic.name.split('.')[1]}_messages"


def view_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_events``: the valid ones."""
    return f"{topic.name.split('.')[1]}_events"


def events_of(topic: Topic) -> list[type[Event]]:
    return [event for event in EVENTS.values() if event.TOPIC is topic]


def repeats_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_repeats``: messages of it that repeat an event."""
    return f"{topic.name.split('.')[1]}_repeats"


def source(topic: Topic, options: Mapping[str, str]) -> str:
    """``CREATE TABLE`` over ``topic``; ``options`` are the connector's (addresses, start)."""
    settings = {
        "connector": "kafka",
        "topic": topic.name,
        # Rows of an aborted transaction never happened.
        "properties.isolation.level": "read_committed",
        **options,
        "format": "json",
        "json.ignore-parse-errors": "true",
    }
    return _table(table_name(topic), _columns(topic), settings)


def repeats(
    topic: Topic, options: Mapping[str, str], begins: Mapping[str, int] | None = None
) -> list[str]:
    """``CREATE`` of the messages of ``topic`` that the archive found to repeat an event, each once.

    They stand in ``lms.duplicates`` as they were sent, under ``topic/partition/offset``. With
    ``begins``, only messages from that offset on of each partition: those before are not counted.
    """
    told = f"{repeats_name(topic)}_told"
    settings = {
        "connector": "kafka",
        "topic": DUPLICATES.name,
        "properties.isolation.level": "read_committed",
        **options,
        "key.format": "raw",
        "key.fields": "message_key",
        "value.format": "json",
        "value.json.ignore-parse-errors": "true",
        "value.fields-include": "EXCEPT_KEY",
    }
    columns = [*_columns(topic), "`message_key` STRING", "`told_at` AS PROCTIME()"]
    names = ", ".join(f"`{name}`" for name in (*_envelope(), "payload", "arrived_at"))
    return [
        _table(told, columns, settings),
        f"CREATE TEMPORARY VIEW {repeats_name(topic)} AS\nSELECT {names} FROM (\n"
        "  SELECT *, ROW_NUMBER() OVER (PARTITION BY message_key ORDER BY told_at) AS nth\n"
        f"  FROM {told} WHERE message_key LIKE {_text(topic.name + '/%')}{_from(begins)}\n"
        ") WHERE nth = 1",
    ]


def _from(begins: Mapping[str, int] | None) -> str:
    if not begins:
        return ""
    first = " ".join(f"WHEN {_text(number)} THEN {offset}" for number, offset in begins.items())
    return (
        "\n    AND CAST(SPLIT_INDEX(message_key, '/', 2) AS BIGINT) >= "
        f"CASE SPLIT_INDEX(message_key, '/', 1) {first} ELSE 0 END"
    )


def _columns(topic: Topic) -> list[str]:
    payload = ", ".join(f"`{name}` STRING" for name in _fields(topic))
    return [
        *(f"`{name}` STRING" for name in _envelope()),
        f"`payload` ROW<{payload}>",
        "`arrived_at` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
    ]


def _table(name: str, columns: Iterable[str], settings: Mapping[str, str]) -> str:
    return (
        f"CREATE TEMPORARY TABLE {name} (\n  "
        + ",\n  ".join(columns)
        + "\n) WITH (\n  "
        + ",\n  ".join(f"{_text(name)} = {_text(value)}" for name, value in settings.items())
        + "\n)"
    )


def view(topic: Topic, more: Mapping[str, str] | None = None) -> str:
    """``CREATE VIEW`` of the valid events of ``topic``, one column per field of any of them.

    Envelope fields keep their names; payload fields follow; text stays ``STRING`` (``timestamp``
    too: its first 10, 13 or 16 characters are the day, hour or minute in UTC), integers are
    ``BIGINT``, numbers ``DOUBLE``; NULL where the event's type has no such field.

    ``weight`` is 1 for a message, and -1 for one that repeats an event and was counted before:
    whoever counts events sums weights. ``more`` are further columns by name: expressions over the
    message, and over ``arrived_at``, its time in Kafka.
    """
    columns = [_column(name, prop, f"`{name}`") for name, prop in _envelope().items()]
    columns += [_payload_column(topic, name) for name in _fields(topic)]
    columns += [f"{expression} AS `{name}`" for name, expression in (more or {}).items()]
    conditions = [f"REGEXP(CONCAT_WS('|',\n    {_checked(topic)}),\n    {_text(pattern(topic))})"]
    conditions += _bounds(topic)
    where = "\n  AND ".join(conditions)
    return f"CREATE TEMPORARY VIEW {view_name(topic)} AS\n" + "\nUNION ALL\n".join(
        "SELECT\n  "
        + ",\n  ".join([*columns, f"CAST({weight} AS BIGINT) AS `weight`"])
        + f"\nFROM {name}\nWHERE {where}"
        for name, weight in ((table_name(topic), 1), (repeats_name(topic), -1))
    )


def pattern(topic: Topic) -> str:
    """The regular expression over ``id|institution|time|service|shared fields|type|version|rest``.

    One expression over all fields, because in Flink each call of ``REGEXP`` costs more than the
    characters it looks at.
    """
    envelope, shared = _envelope(), _shared(topic)
    head = [_shape(envelope[name]) for name in _HEAD]
    head += [_shape(prop) for prop in shared.values()]
    branches = []
    for event in events_of(topic):
        own = _properties(event)
        versions = "|".join(str(version) for version in range(1, event.VERSION + 1))
        parts = [re.escape(event.TYPE).replace("\\.", "[.]"), f"(?:{versions})"]
        for name in _varying(topic):
            required = name in _required(event)
            parts.append(
                f"(?:{_shape(own[name])}){'' if required else '?'}" if name in own else "[^|]*"
            )
        branches.append("[|]".join(parts))
    return _spelled("^" + "[|]".join(head) + "[|](?:" + "|".join(branches) + ")$")


def _spelled(pattern: str) -> str:
    """The same with each range of characters written out.

    Java looks a single character up in a table, but calls a predicate for each range of a class:
    a third of the time it takes to match an event.
    """
    return re.sub(r"(?<=\[)[^]^|.]+(?=\])", _spell, pattern)


def _spell(inside: re.Match[str]) -> str:
    return re.sub(r"(.)-(.)", _characters, inside[0])


def _characters(ends: re.Match[str]) -> str:
    first, last = ends[1], ends[2]
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


_HEAD = ("event_id", "institution_id", "timestamp", "source_service")


def _envelope() -> dict[str, Property]:
    properties = Envelope.model_json_schema()["properties"]
    return {name: prop for name, prop in properties.items() if name != "payload"}


def _properties(event: type[Event]) -> dict[str, Property]:
    properties: dict[str, Property] = event.model_json_schema()["properties"]
    return properties


def _required(event: type[Event]) -> set[str]:
    return set(event.model_json_schema().get("required", ()))


def _fields(topic: Topic) -> dict[str, Property]:
    """Every payload field of the topic by name; one name has one type on a topic."""
    found: dict[str, Property] = {}
    for event in events_of(topic):
        for name, prop in _properties(event).items():
            if _kind(found.setdefault(name, prop)) != _kind(prop):
                raise TypeError(f"{topic.name}: {event.TYPE}.{name} has another type elsewhere")
    return found


def _shared(topic: Topic) -> dict[str, Property]:
    """The payload fields that every event of the topic must have, under the same rule."""
    first, *others = events_of(topic)
    return {
        name: prop
        for name, prop in _properties(first).items()
        if name in _required(first)
        and not _is_free_text(prop)
        and all(
            name in _required(other) and _shape(_properties(other)[name]) == _shape(prop)
            for other in others
        )
    }


def _varying(topic: Topic) -> list[str]:
    shared = _shared(topic)
    return [
        name
        for name, prop in _fields(topic).items()
        if name not in shared and not _is_free_text(prop)
    ]


def _checked(topic: Topic) -> str:
    names = [f"`{name}`" for name in _HEAD] + [f"`payload`.`{name}`" for name in _shared(topic)]
    names += ["`event_type`", "`schema_version`"]
    # A missing field keeps its place: CONCAT_WS leaves NULLs out altogether.
    names += [f"COALESCE(`payload`.`{name}`, '')" for name in _varying(topic)]
    return ", ".join(names)


def _shape(prop: Property) -> str:
    """The pattern of a field's text."""
    prop = _not_null(prop)
    if "const" in prop or "enum" in prop:
        values = prop.get("enum") or [prop["const"]]
        return "(?:" + "|".join(re.escape(str(value)) for value in values) + ")"
    kind = _kind(prop)
    if kind == "integer":
        least = prop.get("minimum", 0)
        return "[1-9][0-9]{0,9}" if least >= 1 else "(?:0|[1-9][0-9]{0,9})"
    if kind == "number":
        return _NUMBER
    if kind == "boolean":
        return "(?:true|false)"
    if prop.get("pattern") == TIMESTAMP_PATTERN:
        return _MOMENT
    if "pattern" in prop:
        text = str(prop["pattern"]).removeprefix("^").removesuffix("$")
        # The json format hands over a bare true as the text "true".
        return f"(?!(?:true|false)[|]){text}" if re.fullmatch(text, "true") else text
    raise TypeError(f"no pattern for {prop}")


def _is_free_text(prop: Property) -> bool:
    prop = _not_null(prop)
    return _kind(prop) == "string" and not {"pattern", "const", "enum"} & prop.keys()


def _bounds(topic: Topic) -> Iterator[str]:
    """What a pattern cannot say: how large a number is, how long a text."""
    for event in events_of(topic):
        for name, prop in _properties(event).items():
            rule, value = _not_null(prop), f"`payload`.`{name}`"
            if _is_free_text(prop):
                low, high = rule.get("minLength", 0), rule.get("maxLength", 2**31 - 1)
                check = f"CHAR_LENGTH({value}) BETWEEN {low} AND {high}"
            elif _kind(prop) in ("integer", "number"):
                low = rule.get("minimum", rule.get("exclusiveMinimum"))
                type_ = "BIGINT" if _kind(prop) == "integer" else "DOUBLE"
                check = f"TRY_CAST({value} AS {type_}) BETWEEN {_number(low)} AND " + _number(
                    rule["maximum"]
                )
                if "exclusiveMinimum" in rule:
                    check += f" AND TRY_CAST({value} AS {type_}) > {_number(low)}"
            else:
                continue
            if name not in _required(event):
                check = f"{value} IS NULL OR {check}"
            yield f"(`event_type` <> {_text(event.TYPE)} OR {check})"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _payload_column(topic: Topic, name: str) -> str:
    owners = [event for event in events_of(topic) if name in _properties(event)]
    prop = _properties(owners[0])[name]
    value = f"`payload`.`{name}`"
    column = _cast(prop, value)
    if prop.get("default") is not None:
        column = f"COALESCE({column}, {prop['default']!r})"
    if len(owners) < len(events_of(topic)):
        types = ", ".join(_text(event.TYPE) for event in owners)
        column = f"CASE WHEN `event_type` IN ({types}) THEN {column} END"
    return f"{column} AS `{name}`"


def _column(name: str, prop: Property, value: str) -> str:
    column = _cast(prop, value)
    return value if column == value else f"{column} AS `{name}`"


def _cast(prop: Property, value: str) -> str:
    type_ = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}.get(_kind(prop))
    # The WHERE clause lets only convertible text through; TRY_ because a planner may reorder.
    return f"TRY_CAST({value} AS {type_})" if type_ else value


def _kind(prop: Property) -> str:
    return str(_not_null(prop).get("type", "string"))


def _not_null(prop: Property) -> Property:
    choices: Iterable[Property] = prop.get("anyOf", ())
    return next((choice for choice in choices if choice.get("type") != "null"), prop)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
