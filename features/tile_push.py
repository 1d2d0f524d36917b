"""Takes tiles from ``lms.features`` into Redis, and fills Redis again from their history.

The history is the job's own table: Flink writes each tile there and publishes the same row. A row
adds its difference to what was there (``features/apply_tiles.lua``), so batches may repeat. A
rebuilt job counts in new parts (``pipelines.start``): its first row has Redis filled again from
the table.
"""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from redis import Redis

from contracts.tiles import HOUR_S, LEARNER_TILES, TABLES, TileRow, TileTable
from features import consent
from features.online_windows import NO_COURSE, field, key, written_key
from features.windows import DAYS_KEPT, HOURS_KEPT
from stack.flink import FlinkSettings

Version = int
"""When a row was published, in milliseconds: of two of a key the later one counts."""
GENERATION = 10**9
"""Parts of one generation of the jobs; a rebuild begins the next."""
OPEN_PARTS = 9
"""Flink forgets a part after seven more; these are the last that may still change."""
_WRITTEN = 3
"""The grain of the rows of ``load_tiles.sql`` that are hour tiles as they were written."""
_PIPE = 500
_LOAD = (Path(__file__).parent / "sql" / "load_tiles.sql").read_text(encoding="utf-8")
_APPLY = Path(__file__).with_name("apply_tiles.lua").read_text(encoding="utf-8")
_KINDS = {"sum": "s", "min": "n", "max": "x"}


def filled_key(table: TileTable) -> str:
    """The generation of the tiles of ``table`` that Redis was last filled with."""
    return f"learnstream:features:filled:{table.name}"


class TilePusher:
    """Writes tiles to Redis. Database errors and Redis' pass through."""

    def __init__(self, client: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock
        self._apply = client.register_script(_APPLY)
        self._generations: dict[str, int] = {}

    def forget(self) -> None:
        """What Redis holds may have been lost: the next batch looks."""
        self._generations.clear()

    def ready(self, connection: psycopg.Connection[Any]) -> bool:
        """Fill what Redis lacks; whether anything had to be."""
        filled = [self._ready(connection, table, 0) for table in TABLES.values()]
        return any(filled)

    def write(
        self, connection: psycopg.Connection[Any], rows: Sequence[tuple[TileRow, Version]]
    ) -> bool:
        """Take in ``rows`` in their order; call it while ``consent.writing``.

        Whether Redis had to be filled from history: then messages of a while ago are to be read
        again, for the history may lag what they said.
        """
        filled = False
        for table in TABLES.values():
            mine = [(row, version) for row, version in rows if row.table == table.name]
            if mine:
                newest = max(row.part for row, _ in mine)
                filled |= self._ready(connection, table, newest // GENERATION)
                self._take(connection, table, mine, newest)
        return filled

    def _ready(self, connection: psycopg.Connection[Any], table: TileTable, of: int) -> bool:
        known = self._generations.get(table.name)
        if known is None:
            found: Any = self._redis.get(filled_key(table))
            known = -1 if found is None else int(found)
        filled = known < 0 or known < of
        if filled:
            known = max(load(connection, self._redis, table, self._clock()), of)
            self._redis.set(filled_key(table), known)
        self._generations[table.name] = known
        return filled

    def _take(
        self,
        connection: psycopg.Connection[Any],
        table: TileTable,
        rows: Sequence[tuple[TileRow, Version]],
        newest: int,
    ) -> None:
        if table is LEARNER_TILES:
            people = {row.entity_id: row.institution_id for row, _ in rows}
            new = consent.renamed(connection, list(people))
            agreed = consent.permitted(
                connection, {new.get(one, one): where for one, where in people.items()}
            )
            owners = {one: new.get(one, one) for one in people if new.get(one, one) in agreed}
        else:
            owners = {row.entity_id: row.entity_id for row, _ in rows}
        # The last of each tile: one backlog's many rows of a tile cost one.
        last = {
            (owners[row.entity_id], row.course_id, row.hour, row.part): (row, version)
            for row, version in rows
            if row.entity_id in owners
        }
        by_place: dict[tuple[str, ...], list[bytes]] = defaultdict(list)
        for (owner, *_), (row, version) in last.items():
            by_place[_places(table, owner, row.course_id)].append(_packed(table, row, version))
        head = _arguments(table, self._clock(), newest)
        with self._redis.pipeline(transaction=False) as pipe:
            for places, packed in by_place.items():
                self._apply(keys=places, args=[*head, *packed], client=pipe)
            pipe.execute()


def _places(table: TileTable, owner: str, course_id: str) -> tuple[str, ...]:
    if table is LEARNER_TILES:
        return written_key("learner", owner), key("learner", owner)
    return written_key("item", owner), key("item", owner), key("course", course_id)


def _prefix(table: TileTable, course_id: str | None) -> bytes:
    return UUID(course_id).bytes if table is LEARNER_TILES and course_id else NO_COURSE


def _packed(table: TileTable, row: TileRow, version: Version) -> bytes:
    place = _written(_prefix(table, row.course_id), row.hour, row.part)
    return place + struct.pack(f"<q{len(row.values)}q", version, *row.values)


def _written(course: bytes, hour: int, part: int) -> bytes:
    return course + hour.to_bytes(4, "big") + struct.pack("<q", part)


def _arguments(table: TileTable, now: float, newest: int) -> list[str | int]:
    hours_from, days_from = _horizons(now)
    kinds = "".join(_KINDS[column.partial] for column in table.columns.values())
    kept_s = int(FlinkSettings().part_s * OPEN_PARTS)
    return [len(kinds), kinds, hours_from, days_from, newest - OPEN_PARTS, kept_s]


def _horizons(now: float) -> tuple[int, int]:
    """The first hour whose tile windows may read, and that of the first day."""
    hour = int(now) // HOUR_S
    return hour - HOURS_KEPT + 1, (hour // 24 - DAYS_KEPT + 1) * 24


def load(
    connection: psycopg.Connection[Any],
    client: Redis,
    table: TileTable,
    now: float,
    only: Iterable[str] | None = None,
) -> int:
    """Fill Redis from the history of ``table``, of all entities or ``only`` these; returns the
    generation of the newest tile. Who does not agree gets nothing."""
    found = connection.execute(
        sql.SQL("SELECT max(part) FROM {}").format(sql.Identifier(table.name))
    ).fetchone()
    newest = int(found[0] or 0) if found else 0
    holders = {table.id_column.removesuffix("_id").replace("user", "learner"): table.id_column}
    if table is not LEARNER_TILES and only is None:
        holders["course"] = "course_id"
    for holder, id_column in holders.items():
        pieces: list[tuple[str, str, dict[bytes, bytes], dict[bytes, bytes]]] = []
        for piece in _entities(connection, table, holder, id_column, now, newest, only):
            pieces.append(piece)
            if len(pieces) == _PIPE:
                _store(connection, client, holder, pieces)
                pieces = []
        _store(connection, client, holder, pieces)
    return newest // GENERATION


def _entities(
    connection: psycopg.Connection[Any],
    table: TileTable,
    holder: str,
    id_column: str,
    now: float,
    newest: int,
    only: Iterable[str] | None,
) -> Iterator[tuple[str, str, dict[bytes, bytes], dict[bytes, bytes]]]:
    hours_from, days_from = _horizons(now)
    columns = table.columns.items()
    statement = sql.SQL(_LOAD).format(
        table=sql.Identifier(table.name),
        entity=sql.Identifier(id_column),
        course=sql.SQL("course_id::text" if table is LEARNER_TILES else "NULL::text"),
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sums=sql.SQL(", ").join(
            sql.SQL(_whole(name, one.partial, one.scale)) for name, one in columns
        ),
        written=sql.Literal(holder != "course"),
    )
    values = {
        "hours_from": hours_from * HOUR_S,
        "days_from": days_from * HOUR_S,
        "parts_from": max(newest - OPEN_PARTS, newest // GENERATION * GENERATION + 1),
        "only": None if only is None else list(only),
    }
    with connection.transaction(), connection.cursor(name=f"load_{holder}") as cursor:
        cursor.itersize = 5_000
        cursor.execute(statement, values)
        for (entity_id, institution_id), rows in groupby(cursor, key=lambda row: row[:2]):
            read, written = {}, {}
            for _, _, course, grain, begins, part, *sums in rows:
                packed = struct.pack(f"<{len(sums)}q", *sums)
                prefix = _prefix(table, course)
                if grain == _WRITTEN:
                    written[_written(prefix, begins, part)] = struct.pack("<q", 0) + packed
                else:
                    read[field(prefix, grain, begins)] = packed
            yield entity_id, institution_id, read, written


def _whole(name: str, partial: str, scale: int) -> str:
    """A column's value as a whole number; the names are the declaration's own."""
    if partial == "sum":
        return f"round(sum({name}) * {scale})::bigint"
    return f"coalesce((extract(epoch FROM {partial}({name})) * {scale})::bigint, 0)"


def _store(
    connection: psycopg.Connection[Any],
    client: Redis,
    holder: str,
    entities: Sequence[tuple[str, str, dict[bytes, bytes], dict[bytes, bytes]]],
) -> None:
    if holder == "learner":
        agreed = consent.permitted(connection, {one[0]: one[1] for one in entities})
        entities = [one for one in entities if one[0] in agreed]
    with client.pipeline(transaction=True) as pipe:
        for entity_id, _, read, written in entities:
            places = key(holder, entity_id), written_key(holder, entity_id)
            pipe.delete(*places)
            for place, mapping in zip(places, (read, written), strict=True):
                if mapping:
                    pipe.hset(place, mapping=mapping)
        pipe.execute()
