"""Identifiers: time-ordered for what happens, named and repeatable for what is imported."""

from __future__ import annotations

import os
import time
import uuid

LEARNSTREAM = uuid.uuid5(uuid.NAMESPACE_DNS, "learnstream.invalid")
"""Namespace of every named identifier; a fixed value, or imports would not repeat."""

DEFAULT_INSTITUTION = str(uuid.uuid3(LEARNSTREAM, "institution/default"))


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random: indexes stay local."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def named_id(*parts: object) -> str:
    """The UUIDv3 (RFC 9562 §5.3) of ``parts`` joined by ``/``.

    MD5 rather than SHA-1, because DuckDB and PostgreSQL both have ``md5()``: an importer can
    compute the same identifier inside SQL for millions of rows.
    """
    return str(uuid.uuid3(LEARNSTREAM, "/".join(map(str, parts))))
