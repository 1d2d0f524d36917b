"""Takes tiles from ``lms.features`` into Redis, and fills Redis again from their history.

The history is the job's own table: Flink writes each tile there and publishes the same row. A row
adds its difference to what was there (``features/apply_tiles.lua``), so batches may repeat.

Redis is filled from the table where it is empty, where the job counted anew (its parts are of
another generation then), or where nobody has written for long. Each filling has a mark, which the
script compares: after it nobody writes by what they knew before. The table may lag the messages by
less than ``REWIND_S``: after a filling those are read again, and older ones are left out.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from redis import Redis

from contracts.tiles import GENERATION, HOUR_S, LEARNER_TILES, TABLES, TileRow, TileTable, part_of
from features import consent
from features.online_windows import NO_COURSE, field, key, written_key
from features.windows import DAYS_KEPT, HOURS_KEPT
from stack.flink import FlinkSettings

Version = int
"""When a row was published, in milliseconds: of two of a key the later one counts."""
REWIND_S = 600
"""The tables lag the messages by less, or Flink has failed and publishes again."""
OPEN_PARTS = 9
"""Flink forgets a part after seven more; these are the last that may still change."""
_AWAY_PARTS = 2
"""For so long nobody need write to Redis, and it may still go on from there."""
_WRITTEN = 3
"""The grain of the rows of ``load_tiles.sql`` that are hour tiles as they were written."""
_PIPE = 500
_LOCK = 0x4C53_0F05
_LOAD = (Path(__file__).parent / "sql" / "load_tiles.sql").read_text(encoding="utf-8")
_APPLY = Path(__file__).with_name("apply_tiles.lua").read_text(encoding="utf-8")
_KINDS = {"sum": "s", "min": "n", "max": "x"}


def filled_key(table: TileTable) -> str:
    """The mark of the last filling of Redis with ``table``."""
    return f"learnstream:features:filled:{table.name}"


@dataclass(frozen=True, slots=True)
class Count:
    """The job's present count: the number of its generation, and the seconds that a part spans."""

    generation: int
    part_s: int

    @property
    def open_s(self) -> int:
        """For how long a part may change after it began."""
        return max(OPEN_PARTS * self.part_s, HOUR_S)

    @property
    def away_s(self) -> int:
        return max(_AWAY_PARTS * self.part_s, HOUR_S // 2)

    def open_from(self, now: float) -> int:
        """The first part that may still change; the archive's, 0 and less, never do."""
        first = self.generation * GENERATION + 1
        return max(first, part_of(now - self.open_s, self.generation, self.part_s))


@dataclass(frozen=True, slots=True)
class _Filling:
    count: Count
    mark: bytes
    """Generation, when Redis was filled in milliseconds, and what makes it unique."""

    @property
    def since(self) -> Version:
        """What was published before is in it."""
        return int(self.mark.split(b":")[1]) - REWIND_S * 1000


def current(connection: psycopg.Connection[Any], table: TileTable) -> Count:
    """What the job counts in now; it has its table's name. Before it ever ran there are no rows."""
    found = connection.execute(
        "SELECT generation, part_s FROM job_starts WHERE job = %s", [table.name]
    ).fetchone()
    generation, part_s = found or (0, None)
    return Count(generation, part_s or FlinkSettings().part_s)


class TilePusher:
    """Writes tiles to Redis. Database errors and Redis' pass through."""

    def __init__(self, client: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock
        self._apply = client.register_script(_APPLY)
        self._fillings: dict[str, _Filling] = {}

    def ready(self, connection: psycopg.Connection[Any]) -> bool:
        """Fill what Redis lacks. Whether anything was filled since the last call, by whoever: then
        messages of the last ``REWIND_S`` are to be read again."""
        filled = [self._ready(connection, table) for table in TABLES.values()]
        return any(filled)

    def write(
        self, connection: psycopg.Connection[Any], rows: Sequence[tuple[TileRow, Version]]
    ) -> bool:
        """Take in ``rows`` in their order; call it while ``consent.writing``.

        Returns as ``ready``; rows that came in between are not written, but to be read again.
        """
        filled = False
        for table in TABLES.values():
            mine = [(row, version) for row, version in rows if row.table == table.name]
            if not mine:
                continue
            if table.name not in self._fillings:
                filled |= self.ready(connection)
            newest = max(row.generation for row, _ in mine)
            new = newest > self._fillings[table.name].count.generation
            if new or not self._take(connection, table, mine):
                filled |= self.ready(connection)
        return filled

    def _ready(self, connection: psycopg.Connection[Any], table: TileTable) -> bool:
        before, count = self._fillings.get(table.name), current(connection, table)
        mark = self._mark(table)
        filled = not _is_of(mark, count)
        if filled:
            count, mark = self._fill(connection, table)
        self._redis.expire(filled_key(table), count.away_s)
        self._fillings[table.name] = _Filling(count, mark)
        return filled or (before is not None and before.mark != mark)

    def _mark(self, table: TileTable) -> bytes:
        found: Any = self._redis.get(filled_key(table))
        return found or b""

    def _fill(self, connection: psycopg.Connection[Any], table: TileTable) -> tuple[Count, bytes]:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            count, mark = current(connection, table), self._mark(table)
            if not _is_of(mark, count):  # else another process was faster
                self._redis.delete(filled_key(table))
                now = self._clock()
                load(connection, self._redis, table, now)
                mark = f"{count.generation}:{int(now * 1000)}:{secrets.token_hex(4)}".encode()
                self._redis.set(filled_key(table), mark)
            return count, mark
        finally:
            if not connection.closed:  # a lost connection has lost its locks
                connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])

    def _take(
        self,
        connection: psycopg.Connection[Any],
        table: TileTable,
        rows: Sequence[tuple[TileRow, Version]],
    ) -> bool:
        """False where Redis is no longer as it was last filled; then nothing is written."""
        filling, now = self._fillings[table.name], self._clock()
        open_from = filling.count.open_from(now)
        # What is older, or no longer remembered as it was written, is in the filling.
        rows = [one for one in rows if one[0].part >= open_from and one[1] >= filling.since]
        owners = _owners(connection, table, [row for row, _ in rows])
        # The last of each tile: one backlog's many rows of a tile cost one.
        last = {
            (owners[row.entity_id], row.course_id, row.hour, row.part): (row, version)
            for row, version in rows
            if row.entity_id in owners
        }
        by_place: dict[tuple[str, ...], list[bytes]] = defaultdict(list)
        for (owner, *_), (row, version) in last.items():
            by_place[_places(table, owner, row.course_id)].append(_packed(table, row, version))
        hours_from, days_from = _horizons(now)
        kinds = "".join(_KINDS[column.partial] for column in table.columns.values())
        kept_s = filling.count.open_s + 2 * filling.count.part_s
        head: list[Any] = [filling.mark, kinds, hours_from, days_from, open_from, kept_s]
        with self._redis.pipeline(transaction=False) as pipe:
            for places, packed in by_place.items():
                self._apply(keys=[filled_key(table), *places], args=[*head, *packed], client=pipe)
            return all(more >= 0 for more in pipe.execute())


def _is_of(mark: bytes, count: Count) -> bool:
    return mark.startswith(b"%d:" % count.generation)


def _owners(
    connection: psycopg.Connection[Any], table: TileTable, rows: Iterable[TileRow]
) -> dict[str, str]:
    """Under which id each row's entity is kept; who does not agree is missing."""
    if table is not LEARNER_TILES:
        return {row.entity_id: row.entity_id for row in rows}
    people = {row.entity_id: row.institution_id for row in rows}
    new = consent.renamed(connection, list(people))
    agreed = consent.permitted(
        connection, {new.get(one, one): where for one, where in people.items()}
    )
    return {one: new.get(one, one) for one in people if new.get(one, one) in agreed}


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
) -> None:
    """Fill Redis from the history of ``table``, of all entities or ``only`` these. Who does not
    agree gets nothing. ``connection`` has no transaction open."""
    holders = {table.id_column.removesuffix("_id").replace("user", "learner"): table.id_column}
    if table is not LEARNER_TILES and only is None:
        holders["course"] = "course_id"
    with connection.transaction():
        # Items and courses of one moment: a row's difference is added to both.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for holder, id_column in holders.items():
            pieces: list[tuple[str, str, dict[bytes, bytes], dict[bytes, bytes]]] = []
            for piece in _entities(connection, table, holder, id_column, now, only):
                pieces.append(piece)
                if len(pieces) == _PIPE:
                    _store(connection, client, holder, pieces)
                    pieces = []
            _store(connection, client, holder, pieces)


def _entities(
    connection: psycopg.Connection[Any],
    table: TileTable,
    holder: str,
    id_column: str,
    now: float,
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
        "parts_from": current(connection, table).open_from(now),
        "only": None if only is None else list(only),
    }
    version = struct.pack("<q", int((now - REWIND_S) * 1000))
    with connection.cursor(name=f"load_{holder}") as cursor:
        cursor.itersize = 5_000
        cursor.execute(statement, values)
        for (entity_id, institution_id), rows in groupby(cursor, key=lambda row: row[:2]):
            read, written = {}, {}
            for _, _, course, grain, begins, part, *sums in rows:
                packed = struct.pack(f"<{len(sums)}q", *sums)
                prefix = _prefix(table, course)
                if grain == _WRITTEN:
                    written[_written(prefix, begins, part)] = version + packed
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
