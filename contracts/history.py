"""How a message says that it tells of the past: a Kafka header that an import of history sets.

What reads events to count them does not care. What tells people or other systems of something new
passes such a message over, and what follows from it carries the header on.
"""

from __future__ import annotations

from collections.abc import Iterable

HEADER = "history"
VALUE = b"1"
HEADERS: list[tuple[str, str | bytes | None]] = [(HEADER, VALUE)]


def is_history(headers: Iterable[tuple[str, bytes | None]] | None) -> bool:
    """Whether a message's headers say so."""
    return any(name == HEADER and value == VALUE for name, value in headers or ())
