"""A snapshot of the feature store as Parquet files, for ``learnstream verify``.

``history_<view>`` has each entity's newest row of the offline store, ``online_<view>`` what Redis
has for every entity, ``trail_<view>`` the newest member of each trail, and ``consent``
people's choices about the purposes of features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from redis import Redis

from contracts.feature_views import View
from features import consent, history, online, trail
from features.catalogue import PROJECT, VIEWS
from stack import postgres
from stack import redis as stack_redis

Item = TypeVar("Item")
_TYPES = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}
_BATCH = 2_000


def write(folder: Path) -> None:
    """One file per table; empty ones where nothing was ever pushed."""
    folder.mkdir(parents=True, exist_ok=True)
    with postgres.connect_analytics(autocommit=True) as connection:
        history.prepare(connection, list(VIEWS.values()))
        consent.create(connection)
        choices = connection.execute(
            "SELECT user_id, purpose, given, changed_at FROM features.consent"
        ).fetchall()
        _file(folder, "consent", _CONSENT, choices)
        for view in VIEWS.values():
            _file(folder, f"history_{view.name}", _schema(view), _history(connection, view))
    with stack_redis.client() as client:
        for view in VIEWS.values():
            _file(folder, f"online_{view.name}", _schema(view), _online(client, view))
            if view.trail is not None:
                _file(folder, f"trail_{view.name}", _trail_schema(view), _trails(client, view))


_CONSENT = pa.schema(
    [
        ("user_id", pa.string()),
        ("purpose", pa.string()),
        ("given", pa.bool_()),
        ("changed_at", pa.timestamp("us", "UTC")),
    ]
)


def _schema(view: View) -> pa.Schema:
    return pa.schema(
        [
            (view.entity.join_key, pa.string()),
            ("institution_id", pa.string()),
            ("as_of", pa.timestamp("us", "UTC")),
            *((name, _TYPES[type_]) for name, type_ in view.features.items()),
        ]
    )


def _trail_schema(view: View) -> pa.Schema:
    return pa.schema([(view.entity.join_key, pa.string()), ("newest", pa.string())])


def _history(connection: psycopg.Connection[Any], view: View) -> Iterator[tuple[object, ...]]:
    for row in history.newest(connection, view):
        values = (row.features.get(name) for name in view.features)
        yield row.entity_id, row.institution_id, row.event_timestamp, *values


def _online(client: Redis, view: View) -> Iterator[tuple[object, ...]]:
    names = online.fields(view)
    head = online.entity_key(view, "")[: -len(PROJECT) - 4]  # up to the entity's length
    keys = client.scan_iter(match=_literally(head) + b"*" + PROJECT.encode(), count=_BATCH)
    for some in _pieces(keys, _BATCH):
        with client.pipeline(transaction=False) as pipe:
            for key in some:
                pipe.hmget(key, names)
            for key, reply in zip(some, pipe.execute(), strict=True):
                row = online.decode(view, reply)
                if row is not None:
                    entity_id = key[len(head) + 4 : -len(PROJECT)].decode()
                    yield entity_id, None, online.moment(reply[-1]), *row.values()


def _trails(client: Redis, view: View) -> Iterator[tuple[object, ...]]:
    head = trail.key(view, "").encode()
    for some in _pieces(client.scan_iter(match=head + b"*", count=_BATCH), _BATCH):
        with client.pipeline(transaction=False) as pipe:
            for key in some:
                pipe.zrevrange(key, 0, 0)
            for key, found in zip(some, pipe.execute(), strict=True):
                yield key[len(head) :].decode(), found[0].decode() if found else None


def _literally(text: bytes) -> bytes:
    """The pattern that matches exactly these bytes: a key may contain a pattern's special bytes."""
    return b"".join(b"\\" + bytes([one]) if one in b"*?[]\\^" else bytes([one]) for one in text)


def _pieces(found: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    left = iter(found)
    while piece := list(islice(left, size)):
        yield piece


def _file(folder: Path, name: str, schema: pa.Schema, rows: Iterable[Sequence[object]]) -> None:
    with pq.ParquetWriter(folder / f"{name}.parquet", schema) as writer:
        for piece in _pieces(rows, 20_000):
            columns = zip(zip(*piece, strict=True), schema, strict=True)
            arrays = [pa.array(column, field.type) for column, field in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
