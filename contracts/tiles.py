"""Tiles: sums per entity and hour that Flink keeps, and the message that carries a changed one.

A tile is a row of ``learner_tiles`` or ``item_tiles``: key, hour, ``part`` (the span of time in
which its messages arrived), and mergeable partials. The job writes it to PostgreSQL, which is
its history, and publishes the same row to ``lms.features``::

    {"tiles": "learner_tiles", "institution_id": …, "user_id": …, "course_id": …,
     "hour_at": "2026-11-01T10:00:00Z", "part": 730, "events": 3, …}

A later message of a key replaces an earlier one. Day tiles and all-time sums are sums of hour
tiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pydantic_core

from contracts.envelope import MAX_BYTES
from contracts.errors import Rejected

Partial = Literal["sum", "min", "max"]
"""How two tiles' values of a column become one. A count is a sum; so is a sum of squares."""

MARK = b'"tiles"'
"""A message that lacks it is no tile."""
HOUR_S = 3600
PARTS_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
"""Spans of arrival are counted from here."""
GENERATION = 10**9
"""Parts of one generation of a job: a job that counts anew does so in the parts of the next."""
_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Column:
    """A mergeable partial; ``scale`` whole units make 1: fractions are summed as whole numbers, so
    that no order of merging makes another sum. A moment is in microseconds since 1970, 0 is
    none."""

    partial: Partial = "sum"
    scale: int = 1
    unit: str = "events"

    @property
    def is_moment(self) -> bool:
        return self.partial != "sum"


_MS = Column(scale=1000, unit="seconds")
_SCORE = Column(scale=1_000_000, unit="percent")


@dataclass(frozen=True)
class TileTable:
    """One table of tiles; ``id_column`` names whose they are."""

    name: str
    id_column: str
    columns: Mapping[str, Column]


_MOMENTS = {
    "first_at": Column("min", 1_000_000, "moment"),
    "last_at": Column("max", 1_000_000, "moment"),
}

LEARNER_TILES = TileTable(
    "learner_tiles",
    "user_id",
    {
        "events": Column(),
        "clicks": Column(unit="clicks"),
        "clicks_page": Column(unit="clicks"),
        "clicks_video": Column(unit="clicks"),
        "clicks_quiz": Column(unit="clicks"),
        "clicks_forum": Column(unit="clicks"),
        "clicks_resource": Column(unit="clicks"),
        "views": Column(),
        "completions": Column(),
        "downloads": Column(),
        "posts": Column(),
        "plays": Column(),
        "watched_s": _MS,
        "submissions": Column(unit="submissions"),
        "timed": Column(unit="submissions"),
        "late": Column(unit="submissions"),
        "graded": Column(unit="grades"),
        "score_sum": _SCORE,
        **_MOMENTS,
    },
)
ITEM_TILES = TileTable(
    "item_tiles",
    "item_id",
    {
        "events": Column(),
        "views": Column(),
        "clicks": Column(unit="clicks"),
        "completions": Column(),
        "downloads": Column(),
        "watched_s": _MS,
        **_MOMENTS,
    },
)
TABLES = {table.name: table for table in (LEARNER_TILES, ITEM_TILES)}

COURSE_TABLES = (
    "learner_course",
    "learner_item",
    "learner_submission",
    "assessment_set",
    "assessment_dim",
)
"""Derived tables that say what no tile does, of features relative to the course: who is enrolled,
what each has opened and handed in, when work is due."""


@dataclass(frozen=True, slots=True)
class TileRow:
    """One hour tile; ``hour`` counts hours since 1970, ``values`` are whole numbers as ``Column``
    says, in the order of the table's columns."""

    table: str
    institution_id: str
    entity_id: str
    course_id: str
    hour: int
    part: int
    values: tuple[int, ...]

    @property
    def generation(self) -> int:
        return self.part // GENERATION


def part_of(at_s: float, generation: int, part_s: int) -> int:
    """The part of what arrives at this moment (seconds since 1970)."""
    return generation * GENERATION + int(at_s - PARTS_BEGIN.timestamp()) // part_s


def decode(message: bytes) -> TileRow:
    """Read one message.

    Raises ``Rejected`` with the facts ``reason`` (``too_large``, ``not_json``, ``unknown_view``,
    ``invalid``) and ``detail``.
    """
    if len(message) > MAX_BYTES:
        raise _rejected("too_large", f"{len(message)} bytes; the limit is {MAX_BYTES}")
    try:
        body = pydantic_core.from_json(message)
    except ValueError as error:
        raise _rejected("not_json", str(error)) from None
    if not isinstance(body, dict):
        raise _rejected("invalid", "the message is no object")
    table = TABLES.get(str(body.get("tiles")))
    if table is None:
        raise _rejected("unknown_view", f"no table of tiles is called {body.get('tiles')!r}")
    try:
        return TileRow(
            table.name,
            _id(body, "institution_id"),
            _id(body, table.id_column),
            _id(body, "course_id"),
            _hour(body["hour_at"]),
            _whole(body["part"], 1),
            tuple(_value(column, body.get(name)) for name, column in table.columns.items()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _rejected("invalid", f"{type(error).__name__}: {error}") from None


def _id(body: Mapping[str, object], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or len(value) != 36 or value.count("-") != 4:
        raise ValueError(f"{name} is no id: {value!r}")
    bytes.fromhex(value.replace("-", ""))
    return value


def _hour(value: object) -> int:
    seconds = micros(value) // 1_000_000
    if seconds % HOUR_S:
        raise ValueError(f"hour_at is no whole hour: {value!r}")
    return seconds // HOUR_S


def _value(column: Column, value: object) -> int:
    if value is None:
        return 0
    return micros(value) if column.is_moment else _whole(value, column.scale)


def _whole(value: object, scale: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {value!r}")
    found = round(value * scale)
    if not -_MAX < found < _MAX:
        raise ValueError(f"{value} is too large")
    return found


def micros(value: object) -> int:
    """A moment's ISO 8601 text as microseconds since 1970. Raises ``ValueError``, ``TypeError``."""
    if not isinstance(value, str):
        raise TypeError(f"expected a moment, got {value!r}")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value} names no time zone")
    whole_s = int(moment.replace(microsecond=0).timestamp())
    return whole_s * 1_000_000 + moment.microsecond


def _rejected(reason: str, detail: str) -> Rejected:
    return Rejected(f"{reason}: {detail}", reason=reason, detail=detail)
