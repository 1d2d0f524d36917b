"""The offline store: every feature row ever pushed, one PostgreSQL table per view.

Feast reads these tables for point-in-time joins but has no way to write them, so whoever pushes
online writes here, from the same row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from contracts.feature_views import View
from contracts.features import FeatureRow

SCHEMA = "features"
_SQL = Path(__file__).parent / "sql"
_TYPES = {"int": sql.SQL("bigint"), "float": sql.SQL("double precision"), "text": sql.SQL("text")}
_LOCK = 0x4C53_0F02


def prepare(connection: psycopg.Connection[Any], views: Sequence[View]) -> None:
    """Create what is missing: the schema, each view's table, each new feature's column."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        for view in views:
            connection.execute(_statement("create", view))
            for name, type_ in view.features.items():
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}").format(
                        _table(view), sql.Identifier(name), _TYPES[type_]
                    )
                )


def write(connection: psycopg.Connection[Any], view: View, rows: Sequence[FeatureRow]) -> int:
    """Write ``rows``; returns how many were new or different.

    Of rows with the same entity and moment the last one counts.
    """
    last = {(row.entity_id, row.event_timestamp): row for row in rows}
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(view)))
    with connection.transaction():
        connection.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0"
            ).format(columns, _table(view))
        )
        copy_into = sql.SQL("COPY incoming ({}) FROM STDIN").format(columns)
        with connection.cursor() as cursor, cursor.copy(copy_into) as copy:
            for row in last.values():
                copy.write_row(
                    (
                        row.entity_id,
                        row.event_timestamp,
                        row.institution_id,
                        *(row.features.get(name) for name in view.features),
                    )
                )
        return connection.execute(_statement("upsert", view)).rowcount


def newest(connection: psycopg.Connection[Any], view: View) -> Iterator[FeatureRow]:
    """Each entity's newest row, which is what the online store has or must have again."""
    with connection.transaction(), connection.cursor(name=f"newest_{view.name}") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_statement("newest", view))
        for entity_id, institution_id, event_timestamp, *values in cursor:
            yield FeatureRow(
                feature_view=view.name,
                entity_id=entity_id,
                institution_id=institution_id,
                event_timestamp=event_timestamp,
                features=dict(zip(view.features, values, strict=True)),
            )


def _columns(view: View) -> list[str]:
    return [view.entity.join_key, "event_timestamp", "institution_id", *view.features]


def _table(view: View) -> sql.Identifier:
    return sql.Identifier(SCHEMA, view.name)


def _statement(name: str, view: View) -> sql.Composed:
    features = list(view.features)
    listed = sql.SQL(", ")
    template = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    return sql.SQL(template).format(
        table=_table(view),
        entity=sql.Identifier(view.entity.join_key),
        columns=listed.join(map(sql.Identifier, features)),
        kept=listed.join(sql.Identifier("kept", name) for name in features),
        excluded=listed.join(sql.Identifier("excluded", name) for name in features),
    )
