"""The mark of an imported history: a Kafka header.

Whoever aggregates events ignores it. Whoever notifies people or other systems skips such a message,
and events that are emitted because of it inherit the header.
"""

from __future__ import annotations

from collections.abc import Iterable

HEADER = "history"
VALUE = b"1"
HEADERS: list[tuple[str, str | bytes | None]] = [(HEADER, VALUE)]


def is_history(headers: Iterable[tuple[str, bytes | None]] | None) -> bool:
    """Whether a message is marked as history."""
    return any(name == HEADER and value == VALUE for name, value in headers or ())
