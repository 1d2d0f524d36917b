"""The archive's content events as arrays, truncated before anything is computed from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from contracts.errors import Rejected, Retryable

Array = npt.NDArray[Any]

_QUERY = (Path(__file__).parent / "events.sql").read_text(encoding="utf-8").strip()
_EPOCH_S = datetime(2000, 1, 1, tzinfo=UTC).timestamp()  # PostgreSQL's zero
_CHUNK_ROWS = 200_000
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("n0", ">i4"), ("learner", ">u8", 2),
        ("n1", ">i4"), ("course", ">u8", 2),
        ("n2", ">i4"), ("item", ">u8", 2),
        ("n3", ">i4"), ("at", ">i8"),
        ("n4", ">i4"), ("viewed", ">i2"),
    ]
)  # fmt: skip
"""One row of a binary COPY: no column is null, so every row has the same length."""


@dataclass(frozen=True)
class Events:
    """Content events ordered by learner, then time. Learners, items and courses are numbered."""

    learner: Array
    item: Array
    at: Array
    """Seconds since the epoch."""
    viewed: Array
    learner_ids: list[str]
    item_ids: list[str]
    course_ids: list[str]
    course_of: Array

    def __len__(self) -> int:
        return len(self.at)

    def before(self, cutoff_s: float) -> Events:
        """What had happened when ``cutoff_s`` came: nothing at or after it."""
        return self._where(self.at < cutoff_s)

    def between(self, start_s: float, end_s: float) -> Events:
        return self._where((self.at >= start_s) & (self.at < end_s))

    def _where(self, mask: Array) -> Events:
        return Events(
            self.learner[mask],
            self.item[mask],
            self.at[mask],
            self.viewed[mask],
            self.learner_ids,
            self.item_ids,
            self.course_ids,
            self.course_of,
        )


def load(connection: psycopg.Connection[Any], until: datetime) -> Events:
    """Read the archive's content events before ``until``.

    About 40 bytes of memory per event. Raises ``Rejected`` where there is nothing to learn from
    and ``Retryable`` where the database goes away.
    """
    blocks: list[Array] = []
    learners: dict[bytes, bytes] = {}
    items: dict[bytes, bytes] = {}
    try:
        with connection.cursor() as cursor, cursor.copy(_QUERY, (until,)) as copy:
            for chunk in _chunks(copy):
                blocks.append(_reduce(chunk, learners, items))
    except psycopg.OperationalError as error:
        raise Retryable(f"the archive went away while it was read: {error}") from error
    if not blocks:
        raise Rejected(
            "the archive holds no content events to learn from: import or replay some first",
            until=until,
        )
    rows = np.concatenate(blocks)
    blocks.clear()
    return number(rows["learner"], rows["item"], rows["at"], rows["viewed"], learners, items)


def _chunks(copy: psycopg.Copy) -> Iterator[Array]:
    """Whole rows out of the COPY stream, without its header (19 bytes) and trailer (2 bytes)."""
    buffer = bytearray()
    header = 19
    for block in copy:
        buffer += block
        if header and len(buffer) >= header:
            del buffer[:header]
            header = 0
        if len(buffer) >= _CHUNK_ROWS * _ROW.itemsize:
            whole = len(buffer) // _ROW.itemsize * _ROW.itemsize
            yield np.frombuffer(bytes(buffer[:whole]), dtype=_ROW)
            del buffer[:whole]
    whole = len(buffer) // _ROW.itemsize * _ROW.itemsize
    if whole:
        yield np.frombuffer(bytes(buffer[:whole]), dtype=_ROW)


def _reduce(chunk: Array, learners: dict[bytes, bytes], items: dict[bytes, bytes]) -> Array:
    """Identifiers to 64 bits, both halves mixed: a million of them collide once in 10^8 times."""
    reduced = np.empty(
        len(chunk), dtype=[("learner", "u8"), ("item", "u8"), ("at", "i8"), ("viewed", "?")]
    )
    reduced["learner"] = _mix(chunk["learner"])
    reduced["item"] = _mix(chunk["item"])
    reduced["at"] = chunk["at"] // 1_000_000 + int(_EPOCH_S)
    reduced["viewed"] = chunk["viewed"] != 0
    for row in np.unique(reduced["learner"], return_index=True)[1]:
        learners.setdefault(reduced["learner"][row].tobytes(), chunk["learner"][row].tobytes())
    for row in np.unique(reduced["item"], return_index=True)[1]:
        items.setdefault(
            reduced["item"][row].tobytes(),
            chunk["item"][row].tobytes() + chunk["course"][row].tobytes(),
        )
    return reduced


def _mix(halves: Array) -> Array:
    native = halves.astype("u8")
    mixed: Array = native[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ native[:, 1]
    return mixed


def number(
    learner: Array,
    item: Array,
    at: Array,
    viewed: Array,
    learner_names: dict[bytes, bytes],
    item_names: dict[bytes, bytes],
) -> Events:
    """Give learners, items and courses numbers, and put the events in order."""
    learners, people = pd.factorize(learner)
    codes, uniques = pd.factorize(item)
    order = np.lexsort((at, learners))
    names = [item_names[np.uint64(unique).tobytes()] for unique in uniques]
    course_of, course_ids = pd.factorize(np.array([_uuid(name[16:]) for name in names]))
    return Events(
        learners.astype(np.int32)[order],
        codes.astype(np.int32)[order],
        at.astype(np.int64)[order],
        viewed[order],
        [_uuid(learner_names[np.uint64(person).tobytes()]) for person in people],
        [_uuid(name[:16]) for name in names],
        [str(name) for name in course_ids],
        course_of.astype(np.int32),
    )


def _uuid(value: bytes) -> str:
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
