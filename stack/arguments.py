"""What several commands take as arguments, and what is said to whoever misspelt one.

``identifier`` and ``moment`` are a ``type=`` of ``argparse``, which names the option and ends with
exit status 2 before anything is done.
"""

from __future__ import annotations

import difflib
from argparse import ArgumentTypeError
from collections.abc import Collection
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


def meant(name: str, known: Collection[str]) -> str:
    """A question for whoever misspelt one of the known names; empty where none is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
