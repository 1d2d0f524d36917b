"""Rows in PostgreSQL's binary format for COPY: the server parses no text but JSON.

A row is the number of its fields, then each field's length and bytes, numbers big-endian
(https://www.postgresql.org/docs/17/sql-copy.html, "Binary Format"). Columns are encoded one at a
time, in loops that run in C, and a repeated value is encoded once.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat, tee
from struct import Struct
from typing import Any, Final

import numpy as np

Values = Iterable[bytes | None]
"""Of a column, as text in ASCII; None and the empty text stand for NULL."""

BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"

_NULL = b"\xff\xff\xff\xff"
_TOGETHER = 2_000
"""Rows given to the server at once: it stores them while the next are made."""
_length = Struct("!i").pack
_smallint = Struct("!h").pack
_bigint = Struct("!q").pack
_version = Struct("!ib").pack
_EPOCH_S = 946_684_800
"""PostgreSQL counts timestamps from 2000-01-01."""


def table(rows: int, width: int, *columns: Iterable[bytes]) -> Iterator[bytes]:
    """A whole COPY of ``rows`` rows of ``width`` fields, of which ``columns`` yield the bytes.

    Raises ``ValueError`` where one of them has another number of rows.
    """
    fields = zip(repeat(_smallint(width), rows), *columns, strict=True)
    yield BEGIN
    while block := b"".join(chain.from_iterable(islice(fields, _TOGETHER))):
        yield block
    yield END


def field(value: bytes) -> bytes:
    return _length(len(value)) + value


def bigint(value: int) -> bytes:
    return field(_bigint(value))


def texts(values: Values) -> Iterator[bytes]:
    return _fields(values, bytes)


def integers(values: Values) -> Iterator[bytes]:
    return _fields(values, lambda value: _length(int(value)))


def smallints(values: Values) -> Iterator[bytes]:
    return _fields(values, lambda value: _smallint(int(value)))


def uuids(values: Values) -> Iterator[bytes]:
    return _fields(values, lambda value: unhexlify(value.replace(b"-", b"")))


def _fields(values: Values, make: Callable[[bytes], bytes]) -> Iterator[bytes]:
    made = _Made(lambda value: field(make(value)))
    made.update({None: _NULL, b"": _NULL})
    return map(made.__getitem__, values)


def documents(values: Iterable[bytes]) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """Fields of type jsonb, none of them NULL, in two columns: what goes before, and the text."""
    heads = _Made(lambda size: _version(size + 1, 1))
    measured, written = tee(values)
    return map(heads.__getitem__, map(len, measured)), written


class _Made(dict[Any, bytes]):
    """What is made of a key, when it is first asked for."""

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> bytes:
        made = self[key] = self._make(key)
        return made


def keys(values: Iterable[bytes]) -> list[bytes]:
    """UUIDs, none of them NULL, and hardly one twice."""
    together = unhexlify(b"".join(values).replace(b"-", b""))
    return _fixed(np.frombuffer(together, np.uint8).reshape(-1, 16))


def timestamps(values: Iterable[bytes]) -> list[bytes]:
    """UTC timestamps, none of them NULL: ``2014-03-01T12:00:00Z``, or with six more digits."""
    digits = np.array(list(values), "S27").view(np.uint8).reshape(-1, 27).astype(np.int64) - ord(
        "0"
    )

    def number(start: int, end: int) -> Any:
        return sum(digits[:, at] * 10 ** (end - at - 1) for at in range(start, end))

    months = (number(0, 4) - 1970) * 12 + number(5, 7) - 1
    days = months.astype("M8[M]").astype("M8[D]").astype(np.int64) + number(8, 10) - 1
    seconds = days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19)
    micros = np.where(digits[:, 19] == ord(".") - ord("0"), number(20, 26), 0)
    whole = ((seconds - _EPOCH_S) * 1_000_000 + micros).astype(">i8")
    return _fixed(whole.view(np.uint8).reshape(-1, 8))


def _fixed(values: np.ndarray[Any, np.dtype[np.uint8]]) -> list[bytes]:
    """A row of ``values``, of shape (rows, bytes), is a field."""
    count, size = values.shape
    made = np.empty((count, 4 + size), np.uint8)
    made[:, :4] = np.frombuffer(_length(size), np.uint8)
    made[:, 4:] = values
    together = made.tobytes()
    return [together[at : at + 4 + size] for at in range(0, len(together), 4 + size)]
