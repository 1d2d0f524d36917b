"""Ranges of a file (RFC 9110, 14): which bytes a request asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import RangeNotSatisfiable

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``start`` to before ``end`` of ``size``; ``whole`` where no range was asked for."""

    start: int
    end: int
    size: int
    whole: bool

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def requested(size: int, range_: str | None, if_range: str | None, etag: str) -> ByteRange:
    """What to send of a file of ``size`` bytes.

    Units we do not know and ranges that make no sense are ignored, as the standard has it, and so
    is a range of another version (``If-Range``; only a strong tag counts). Raises
    ``RangeNotSatisfiable`` for a start behind the end and for several ranges at once.
    """
    everything = ByteRange(0, size, size, True)
    if range_ is None or not range_.startswith("bytes="):
        return everything
    if if_range is not None and if_range.strip() != etag:
        return everything
    if "," in range_:
        raise _refused("ask for one range at a time", size)
    match = _ONE.fullmatch(range_.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return everything
    first, last = match.groups()
    if first == "":
        start, end = max(size - int(last), 0), size
        if int(last) == 0:
            raise _refused("the last 0 bytes are none", size)
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return everything
    if start >= size:
        raise _refused(f"the file has {size} bytes", size)
    return ByteRange(start, end, size, False)


def _refused(why: str, size: int) -> RangeNotSatisfiable:
    return RangeNotSatisfiable(why, headers={"Content-Range": f"bytes */{size}"})
