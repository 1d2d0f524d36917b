"""The chain of hashes over the audit log, and what breaks it.

``hash`` of a row is SHA-256 over the 32 bytes of the hash before it (zeros before the first) and
the row as canonical JSON: members sorted, no spaces, moments in UTC to the microsecond.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
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
    """The last row of the log at some moment; whoever keeps one notices if the past changes."""

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


def content_hash(row: Mapping[str, Any]) -> bytes:
    """Of what a row says, apart from the chain."""
    return hashlib.sha256(canonical(row)).digest()


@dataclass(frozen=True, slots=True)
class Redaction:
    """That the row at ``position`` was changed when the row ``at`` was written, and into what."""

    position: int
    at: int
    content_hash: bytes


REDACT = "audit.redact"
"""The action of a row that vouches for what other rows say since somebody in them was erased."""


def digest(redactions: Iterable[Redaction]) -> str:
    """The resource of the row that vouches for ``redactions``, which are in order of position."""
    count, whole = 0, hashlib.sha256()
    for one in redactions:
        count += 1
        whole.update(one.position.to_bytes(8, "big") + one.content_hash)
    return f"{count} rows {whole.hexdigest()}"


def verify(
    rows: Iterable[Mapping[str, Any]],
    kept: Iterable[Head] = (),
    redactions: Iterable[Redaction] = (),
) -> Verdict:
    """Walk ``rows``, ordered by position, up to the first that is not as it was sealed.

    ``kept`` are heads known from elsewhere: they reveal a chain that was computed anew, and of an
    end that was cut off, which the chain by itself cannot. ``redactions`` are all that were noted:
    a row among them has to say what the last one noted, and a row ``audit.redact`` of the chain has
    to vouch for exactly those noted with it, each of which names the person it is about.
    """
    changed: dict[int, Redaction] = {}
    said: dict[int, list[bytes]] = {}
    together: dict[int, list[Redaction]] = {}
    for one in sorted(redactions, key=lambda one: (one.at, one.position)):
        changed[one.position] = one
        together.setdefault(one.at, []).append(one)
    anchors: dict[int, bytes] = {}
    for head in kept:
        if anchors.setdefault(head.position, head.hash) != head.hash:
            return Verdict(0, EMPTY, head.position, "two kept heads of this position differ")
    at = EMPTY
    for row in rows:
        expected = at.position + 1
        if row["position"] != expected:
            return Verdict(at.position, at, expected, "the row is missing")
        sealed = bytes(row["hash"])
        redacted = changed.get(expected)
        whole = (
            next_hash(at.hash, row) == sealed
            if redacted is None
            else content_hash(row) == redacted.content_hash
        )
        if not whole:
            return Verdict(
                at.position, at, expected, f"row {row['id']} was changed, or put in between"
            )
        if redacted is not None:
            said.setdefault(redacted.at, []).append(canonical(row))
        noted = together.pop(expected, ())
        if (row["action"] == REDACT or noted) and not _vouches(row, noted, said.pop(expected, ())):
            return Verdict(
                at.position, at, expected, f"row {row['id']} vouches for other rows than are noted"
            )
        at = Head(expected, sealed)
        if anchors.pop(expected, sealed) != sealed:
            return Verdict(
                at.position, at, expected, "the chain up to here is not the one that was kept"
            )
    if together:
        first = min(together)
        return Verdict(at.position, at, first, "rows were changed, and no row vouches for them")
    beyond = [position for position in anchors if position > at.position]
    if beyond:
        return Verdict(
            at.position,
            at,
            at.position + 1,
            f"the end was cut off: there have been {max(beyond)} rows",
        )
    return Verdict(at.position, at)


def _vouches(row: Mapping[str, Any], noted: Sequence[Redaction], contents: Sequence[bytes]) -> bool:
    """Whether ``row`` is the one that was written when ``noted`` rows were redacted."""
    [person] = row["about"] if len(row["about"]) == 1 else [None]
    return (
        row["action"] == REDACT
        and row["resource"] == digest(noted)
        and all(str(person).encode() in content for content in contents)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | str) else str(value)
