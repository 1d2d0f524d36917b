"""The archive as a topic's events: a view with the columns that a job's view of the topic has.

It is made for one rebuild, in the schema of that rebuild's tables, so it always follows the
contract: every topic, every column. A message that repeats an event is not in the archive, so each
row's ``weight`` is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from contracts import flink
from contracts.rules import Rule
from contracts.topics import Topic

_TYPES = {"integer": "bigint", "number": "double precision", "boolean": "boolean"}
# As a sender writes it, so a fraction of a second only where there is one.
_TIMESTAMP = (
    "replace(to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    "'.000000Z', 'Z')"
)
_ENVELOPE = {
    "event_id": "event_id::text",
    "timestamp": _TIMESTAMP,
    "schema_version": "schema_version::bigint",
    "institution_id": "institution_id::text",
    "weight": "1::bigint",
}
"""How the archive has what is not in the payload; other columns have their names there."""


@dataclass(frozen=True, slots=True)
class Span:
    """Batches after ``after`` up to ``upto``, as partial sum ``part``; events since ``since``."""

    after: int
    upto: int
    part: int
    since: datetime | None = None


def view_name(topic: Topic) -> str:
    """``lms.content.events`` → ``archived_content``."""
    return f"archived_{topic.name.split('.')[1]}"


def stored(name: str) -> str:
    """The name in PostgreSQL of a column: Flink's driver quotes none, and some are SQL's words."""
    return f"of_{name}"


def definitions(topic: Topic, options: Mapping[str, str]) -> list[str]:
    """Flink's view of it under the same name; ``options`` are the connector's."""
    types = {**flink.columns(topic), "part": "BIGINT"}
    rows, name = f"{view_name(topic)}_rows", view_name(topic)
    chosen = ", ".join(f"`{stored(column)}` AS `{column}`" for column in types)
    return [
        flink.table(rows, [f"`{stored(name)}` {type_}" for name, type_ in types.items()], options),
        f"CREATE TEMPORARY VIEW {name} AS SELECT {chosen} FROM {rows}",
    ]


def view(topic: Topic, schema: str, span: Span) -> sql.Composed:
    """``CREATE OR REPLACE VIEW`` of the events of ``topic`` in ``span``.

    A row that lacks a field which its type must have was written by hand: no job counted it.
    """
    fields = {flink.column(name): name for name in flink.payload_fields(topic)}
    chosen = [
        sql.SQL("{} AS {}").format(
            _payload(topic, fields[name]) if name in fields else sql.SQL(_ENVELOPE.get(name, name)),
            sql.Identifier(stored(name)),
        )
        for name in flink.columns(topic)
    ]
    since: sql.Composable = sql.SQL("")
    if span.since:
        since = sql.SQL(" AND timestamp >= {}").format(sql.Literal(span.since))
    required = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}::text[]").format(sql.Literal(type_), sql.Literal(names))
        for type_, names in flink.required(topic).items()
    )
    return sql.SQL(
        "CREATE OR REPLACE VIEW {} AS SELECT {}, {}::bigint AS of_part FROM public.activity_events "
        "WHERE topic = {} AND batch_no > {} AND batch_no <= {} "
        "AND payload ?& CASE event_type {} END{}"
    ).format(
        sql.Identifier(schema, view_name(topic)),
        sql.SQL(", ").join(chosen),
        sql.Literal(span.part),
        sql.Literal(topic.name),
        sql.Literal(span.after),
        sql.Literal(span.upto),
        required,
        since,
    )


def _payload(topic: Topic, name: str) -> sql.Composable:
    rule: Rule = flink.payload_fields(topic)[name]
    found: sql.Composable = sql.SQL("(payload->>{})::{}").format(
        sql.Literal(name),
        sql.SQL(_TYPES.get(rule.type, "text")),
    )
    if rule.default is not None:
        found = sql.SQL("coalesce({}, {})").format(found, sql.Literal(rule.default))
    if types := flink.owners(topic, name):
        found = sql.SQL("CASE WHEN event_type IN ({}) THEN {} END").format(
            sql.SQL(", ").join(map(sql.Literal, types)), found
        )
    return found
