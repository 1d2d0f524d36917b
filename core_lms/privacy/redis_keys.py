"""What Redis keeps under, or of, an erased person is renamed to the id that took theirs.

Keys are found by their name, texts by what they contain: offers that were shown name their learner.
Sets of who is active right now (HyperLogLog) cannot be changed; they are deleted, with the mark
of their writer, which then writes the last hour again (``pipelines/live``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import redis

from contracts.live import FILLED

AT_ONCE = 1_000
SECRET = (b"sso:", b"tries:", b"dashboards:session:")
"""Of logins: they name nobody in the clear, and who moves people may not read them."""
REVOKED = b"revoked:"
"""Tokens that no longer count (``core_lms/session_store/revocation.py``): they name the old id, and
so must the mark, until the last of them has expired."""
_FILLED = FILLED.encode()

_REPLACE = """
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') end
"""
"""Of a text that somebody has changed since it was read: the next round."""


def move(client: redis.Redis, old: str, new: str) -> int:
    """Rename keys and change texts; returns how many. Repeating it is harmless."""
    before, after = old.encode(), new.encode()
    changed = 0
    for key in client.scan_iter(match=b"*" + before + b"*", count=AT_ONCE):
        if not key.startswith(REVOKED):
            with suppress(redis.ResponseError):  # it expired a moment ago
                client.rename(key, key.replace(before, after))
                changed += 1
    replace = client.register_script(_REPLACE)
    live = []
    texts = client.scan_iter(count=AT_ONCE, _type="string")
    for keys in _pieces(key for key in texts if not key.startswith((REVOKED, *SECRET))):
        values: Any = client.mget(keys)
        for key, value in zip(keys, values, strict=True):
            if key == _FILLED or (key.startswith(b"live:") and key.endswith(b":learners")):
                live.append(key)
            elif value is not None and before in value:
                replace(keys=[key], args=[value, value.replace(before, after)])
                changed += 1
    if live:
        client.delete(*live)
    return changed


def _pieces(keys: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    piece: list[bytes] = []
    for key in keys:
        piece.append(key)
        if len(piece) == AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece
