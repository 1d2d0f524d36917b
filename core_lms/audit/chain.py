"""The chain of hashes over the audit log, and what breaks it.

``hash`` of a row is SHA-256 over the 32 bytes of the hash before it (zeros before the first) and
the row as canonical JSON: members sorted, no spaces, moments in UTC to the microsecond.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

START = bytes(32)
MEMBERS = (
    "position",
    "id",
    "at",
    "actor",
    "action",
    "resource",
    "about",
    "session_id",
    "institution_id",
    "sealed_at",
)
"""The columns that the hash covers: all but itself."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the log at some moment; whoever keeps one can tell if the past changes."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Reads ``position:hash``; raises ``ValueError``."""
        position, _, digest = text.strip().partition(":")
        head = cls(int(position), bytes.fromhex(digest))
        if head.position < 0 or len(head.hash) != len(START):
            raise ValueError("not a head")
        return head


EMPTY = Head(0, START)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the log is whole, and the first thing that is not, if any."""

    rows: int
    head: Head
    broken_at: int | None = None
    broken: str | None = None


def canonical(row: Mapping[str, Any]) -> bytes:
    members = {name: _plain(row[name]) for name in MEMBERS}
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def next_hash(before: bytes, row: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(before + canonical(row)).digest()


def verify(rows: Iterable[Mapping[str, Any]], kept: Iterable[Head] = ()) -> Verdict:
    """Walk ``rows``, ordered by position, up to the first that is not as it was sealed.

    ``kept`` are heads known from elsewhere: they tell of a chain that was computed anew, and of an
    end that was cut off, which the chain by itself cannot.
    """
    anchors: dict[int, bytes] = {}
    for head in kept:
        if anchors.setdefault(head.position, head.hash) != head.hash:
            return Verdict(0, EMPTY, head.position, "two kept heads of this position differ")
    at = EMPTY
    for row in rows:
        expected = at.position + 1
        if row["position"] != expected:
            return Verdict(at.position, at, expected, "the row is missing")
        digest = next_hash(at.hash, row)
        if digest != bytes(row["hash"]):
            return Verdict(
                at.position, at, expected, f"row {row['id']} was changed, or put in between"
            )
        at = Head(expected, digest)
        if anchors.pop(expected, digest) != digest:
            return Verdict(
                at.position, at, expected, "the chain up to here is not the one that was kept"
            )
    beyond = [position for position in anchors if position > at.position]
    if beyond:
        return Verdict(
            at.position,
            at,
            at.position + 1,
            f"the end was cut off: there have been {max(beyond)} rows",
        )
    return Verdict(at.position, at)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | str) else str(value)
