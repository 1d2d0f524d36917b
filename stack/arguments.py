"""Kinds of arguments that several commands take: what is none is refused before anything is done.

Use them as ``type=`` of ``argparse``, which names the option and ends with exit status 2.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from uuid import UUID


def identifier(text: str) -> str:
    """A UUID in lower case, as people, institutions and keys have one."""
    try:
        return str(UUID(text))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no id (a UUID)") from None


def moment(text: str) -> datetime:
    """An ISO 8601 moment, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no moment: write 2026-02-17 or 2026-02-17T14:30, in UTC"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
