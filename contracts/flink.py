"""Flink SQL derived from the contracts: the table over a topic, and the views of its valid events.

A topic is read by Flink's ``json`` format, which parses once and natively but converts leniently
(``5.7`` and ``"5"`` would both become the integer 5). So the table takes every field as the text
that stood in the message, and the view checks the contract's rules (``contracts.rules``) over that
text: one generated pattern over all fields, plus the bounds of numbers. A field of another type, a
missing one, an unknown event, a wrong version never pass. What ``json`` cannot parse never becomes
a row. All jobs share the table and the check; each has its own view of what it counts. The archive,
which decodes every message with ``contracts.envelope``, writes the dead letter of a refused one;
``docs/adr/0002-strict-json-in-flink-sql.md`` says why, and on which few spellings the two still
differ.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from contracts.envelope import Envelope
from contracts.event import EVENTS, Event
from contracts.rules import Rule, fields, versions
from contracts.topics import DUPLICATES, Topic

_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
"""Types of columns; others are ``STRING``."""
Offsets = Mapping[str, int]
"""Partition (a text, as JSON has it) → the first offset that counts; of others, all counts."""
_REPEATED = {
    "partition": "CAST(SPLIT_INDEX(message_key, '/', 1) AS INT)",
    "offset": "CAST(SPLIT_INDEX(message_key, '/', 2) AS BIGINT)",
}
"""Where the message stands that another repeats."""
_OWN = {"weight", "part", "partition", "offset", "arrived_at"}
"""Columns of the views that are no field of a message."""
_HEAD = ("event_id", "institution_id", "timestamp", "source_service")
_ENVELOPE = {name: rule for name, rule in fields(Envelope).items() if name != "payload"}


def table_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_messages``: every parsed message, valid or not."""
    return f"{topic.name.split('.')[1]}_messages"


def checked_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_checked``: the valid ones."""
    return f"{topic.name.split('.')[1]}_checked"


def view_name(topic: Topic) -> str:
    """``lms.content.events`` → ``content_events``: those of them that one job counts."""
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
    place = [
        "`partition` INT METADATA VIRTUAL",
        "`offset` BIGINT METADATA VIRTUAL",
    ]
    return table(table_name(topic), [*_columns(topic), *place], settings)


def repeats(topic: Topic, options: Mapping[str, str], begins: Offsets | None = None) -> list[str]:
    """``CREATE`` of the messages of ``topic`` that the archive found to repeat an event, each once.

    They stand in ``lms.duplicates`` as they were sent, under ``topic/partition/offset``. With
    ``begins``, only messages from that offset on of each partition: those before are not counted.
    """
    # Flink finds the state of a running job by this table's name: it stays as it was.
    name = f"{repeats_name(topic)}_told"
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
    kept = ", ".join(f"`{column}`" for column in (*_ENVELOPE, "payload", "arrived_at"))
    kept += f", {_REPEATED['partition']} AS `partition`, {_REPEATED['offset']} AS `offset`"
    # Counted, not numbered: with mini-batches Flink takes the first by `ROW_NUMBER()` for a row
    # that may change, and every sum after it keeps twice as much to be able to take rows back.
    return [
        table(name, columns, settings),
        f"CREATE TEMPORARY VIEW {repeats_name(topic)} AS\nSELECT {kept} FROM (\n"
        "  SELECT *, COUNT(*) OVER (PARTITION BY message_key ORDER BY told_at\n"
        "    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS nth\n"
        f"  FROM {name} WHERE message_key LIKE {_text(topic.name + '/%')}{_from(begins)}\n"
        ") WHERE nth = 1",
    ]


def _from(begins: Offsets | None) -> str:
    if not begins:
        return ""
    return "\n    AND " + since(begins, **_REPEATED)


def since(begins: Offsets, partition: str = "`partition`", offset: str = "`offset`") -> str:
    """The condition that a message is one of those from ``begins`` on."""
    first = " ".join(f"WHEN {number} THEN {at}" for number, at in begins.items())
    return f"{offset} >= CASE {partition} {first} ELSE 0 END"


def _columns(topic: Topic) -> list[str]:
    payload = ", ".join(f"`{name}` STRING" for name in payload_fields(topic))
    return [
        *(f"`{name}` STRING" for name in _ENVELOPE),
        f"`payload` ROW<{payload}>",
        "`arrived_at` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
    ]


def table(name: str, columns: Iterable[str], options: Mapping[str, str]) -> str:
    """``CREATE TABLE`` of lines that are columns or a key, with a connector's ``options``."""
    return (
        f"CREATE TEMPORARY TABLE {name} (\n  "
        + ",\n  ".join(columns)
        + "\n) WITH (\n  "
        + ",\n  ".join(f"{_text(name)} = {_text(value)}" for name, value in options.items())
        + "\n)"
    )


def checked(
    topic: Topic, more: Mapping[str, str] | None = None, only: Collection[str] | None = None
) -> str:
    """``CREATE VIEW`` of the valid events of ``topic`` with the ``columns``, for every job.

    With ``only``, it has no other ``columns``: each costs time in every message. Further columns:
    ``partition`` and ``offset`` of the message (of one that repeats an event: those of the message
    in ``topic``), and ``more`` by name: expressions over the message, and over ``arrived_at``, its
    time in Kafka.
    """
    parts = [
        f"{_cast(rule, f'`{name}`')} AS `{name}`" if rule.type in _TYPES else f"`{name}`"
        for name, rule in _ENVELOPE.items()
        if only is None or name in only
    ]
    parts += [
        _payload_column(topic, name)
        for name in payload_fields(topic)
        if only is None or column(name) in only
    ]
    parts += [f"{expression} AS `{name}`" for name, expression in (more or {}).items()]
    conditions = [f"REGEXP(CONCAT_WS('|',\n    {_checked(topic)}),\n    {_text(pattern(topic))})"]
    conditions += _bounds(topic)
    where = "\n  AND ".join(conditions)
    return f"CREATE TEMPORARY VIEW {checked_name(topic)} AS\n" + "\nUNION ALL\n".join(
        "SELECT\n  "
        + ",\n  ".join([*parts, f"CAST({weight} AS BIGINT) AS `weight`", "`partition`", "`offset`"])
        + f"\nFROM {name}\nWHERE {where}"
        for name, weight in ((table_name(topic), 1), (repeats_name(topic), -1))
    )


def columns(topic: Topic) -> dict[str, str]:
    """Name and Flink's type of each column of a job's view of ``topic``, but ``part``.

    Envelope fields keep their names; payload fields follow (``column``); text stays ``STRING``
    (``timestamp`` too: its first 10, 13 or 16 characters are the day, hour or minute in UTC),
    integers are ``BIGINT``, numbers ``DOUBLE``; NULL where the event's type has no such field.

    ``weight`` is 1 for a message, and -1 for one that repeats an event and was counted before:
    whoever counts events sums weights.
    """
    rules = {**_ENVELOPE, **{column(name): rule for name, rule in payload_fields(topic).items()}}
    return {name: _TYPES.get(rule.type, "STRING") for name, rule in rules.items()} | {
        "weight": "BIGINT"
    }


def named(topic: Topic, statements: Iterable[str]) -> list[str]:
    """Those of the ``columns`` whose names stand in the statements."""
    words = {word for text in statements for word in re.findall(r"\w+", text)}
    return [name for name in columns(topic) if name in words]


def column(name: str) -> str:
    """The column of a payload's field: its name, unless a column of ours has that."""
    return f"payload_{name}" if name in _OWN else name


def view(
    topic: Topic,
    part: str,
    of: str | None = None,
    where: str | None = None,
    only: Collection[str] | None = None,
) -> list[str]:
    """The statements that make the view of what one job counts of ``topic``.

    It replaces another job's: a statement that was added before keeps the view that it was added
    with. ``part`` is an expression over the columns of ``of``, which is the checked view unless it
    is said; ``where`` a condition over them; ``only`` as for ``checked``.
    """
    names = ", ".join(f"`{one}`" for one in columns(topic) if only is None or one in only)
    name = view_name(topic)
    return [
        f"DROP TEMPORARY VIEW IF EXISTS {name}",
        f"CREATE TEMPORARY VIEW {name} AS\nSELECT {names}, {part} AS `part`\n"
        f"FROM {of or checked_name(topic)}" + (f"\nWHERE {where}" if where else ""),
    ]


def pattern(topic: Topic) -> str:
    """The regular expression over ``id|institution|time|service|shared fields|type|version|rest``.

    One expression over all fields, because in Flink a call of ``REGEXP`` costs more than the
    characters it reads.
    """
    head = [_shape(_ENVELOPE[name]) for name in _HEAD]
    head += [_shape(rule) for rule in _shared(topic).values()]
    branches = []
    for event in events_of(topic):
        own = fields(event)
        checks = [re.escape(event.TYPE).replace("\\.", "[.]"), f"(?:{versions(event)})"]
        for name in _varying(topic):
            check = f"(?:{_shape(own[name])})" if name in own else "[^|]*"
            checks.append(check if name not in own or own[name].required else f"{check}?")
        branches.append("[|]".join(checks))
    return _spelled("^" + "[|]".join(head) + "[|](?:" + "|".join(branches) + ")$")


def _spelled(pattern: str) -> str:
    """The same with each range of characters written out.

    Java looks a single character up in a table, but calls a predicate for each range of a class:
    a third of the time it takes to match an event.
    """

    def characters(ends: re.Match[str]) -> str:
        return "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1)))

    spelled = partial(re.sub, "(.)-(.)", characters)
    return re.sub(r"(?<=\[)[^]^|.]+(?=\])", lambda inside: spelled(inside[0]), pattern)


def owners(topic: Topic, name: str) -> list[str]:
    """The types of the events of ``topic`` that have a field ``name``; none where all have it."""
    found = [event.TYPE for event in events_of(topic) if name in fields(event)]
    return found if len(found) < len(events_of(topic)) else []


def payload_fields(topic: Topic) -> dict[str, Rule]:
    """Every payload field of the topic by name; one name has one type on a topic."""
    found: dict[str, Rule] = {}
    for event in events_of(topic):
        for name, rule in fields(event).items():
            if found.setdefault(name, rule).type != rule.type:
                raise TypeError(f"{topic.name}: {event.TYPE}.{name} has another type elsewhere")
    return found


def required(topic: Topic) -> dict[str, list[str]]:
    """By type of the topic's events the payload fields without which none is valid."""
    return {
        event.TYPE: [name for name, rule in fields(event).items() if rule.required]
        for event in events_of(topic)
    }


def _shared(topic: Topic) -> dict[str, Rule]:
    """The payload fields that every event of the topic must have, under the same rule."""
    first, *others = map(fields, events_of(topic))
    return {
        name: rule
        for name, rule in first.items()
        if not rule.free_text
        and all(name in own and _shape(own[name]) == _shape(rule) for own in others)
        and all(own[name].required for own in (first, *others))
    }


def _varying(topic: Topic) -> list[str]:
    known = _shared(topic)
    return [n for n, rule in payload_fields(topic).items() if n not in known and not rule.free_text]


def _checked(topic: Topic) -> str:
    names = [f"`{name}`" for name in _HEAD] + [f"`payload`.`{name}`" for name in _shared(topic)]
    names += ["`event_type`", "`schema_version`"]
    # A missing field keeps its place: CONCAT_WS leaves NULLs out altogether.
    names += [f"COALESCE(`payload`.`{name}`, '')" for name in _varying(topic)]
    return ", ".join(names)


def _shape(rule: Rule) -> str:
    """The pattern of a field's text."""
    if rule.choices:
        return "(?:" + "|".join(re.escape(str(value)) for value in rule.choices) + ")"
    if rule.type == "integer":
        return "[1-9][0-9]{0,9}" if (rule.low or 0) >= 1 else "(?:0|[1-9][0-9]{0,9})"
    if rule.type == "number":
        return _NUMBER
    if rule.type == "boolean":
        return "(?:true|false)"
    if rule.type != "string" or rule.pattern is None:
        raise TypeError(f"no pattern for {rule}")
    # The json format hands over a bare true as the text "true".
    plain = not re.fullmatch(rule.pattern, "true")
    return rule.pattern if plain else f"(?!(?:true|false)[|]){rule.pattern}"


def _bounds(topic: Topic) -> Iterator[str]:
    """What a pattern cannot say: how large a number is, how long a text."""
    for event in events_of(topic):
        for name, rule in fields(event).items():
            value = f"`payload`.`{name}`"
            if rule.free_text:
                high = 2**31 - 1 if rule.high is None else rule.high
                check = f"CHAR_LENGTH({value}) BETWEEN {rule.low or 0} AND {high}"
            elif rule.type in ("integer", "number"):
                if rule.low is None or rule.high is None:
                    raise TypeError(f"{event.TYPE}.{name} needs a lower and an upper bound")
                number, low = _cast(rule, value), _number(rule.low)
                check = f"{number} BETWEEN {low} AND {_number(rule.high)}"
                if rule.exclusive:
                    check += f" AND {number} > {low}"
            else:
                continue
            if not rule.required:
                check = f"{value} IS NULL OR {check}"
            yield f"(`event_type` <> {_text(event.TYPE)} OR {check})"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _payload_column(topic: Topic, name: str) -> str:
    rule = payload_fields(topic)[name]
    text = _cast(rule, f"`payload`.`{name}`")
    if rule.default is not None:
        text = f"COALESCE({text}, {rule.default!r})"
    if types := owners(topic, name):
        text = f"CASE WHEN `event_type` IN ({', '.join(map(_text, types))}) THEN {text} END"
    return f"{text} AS `{column(name)}`"


def _cast(rule: Rule, value: str) -> str:
    # The WHERE clause lets only convertible text through; TRY_ because a planner may reorder.
    return f"TRY_CAST({value} AS {_TYPES[rule.type]})" if rule.type in _TYPES else value


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
