"""Kinds of notification: each one file that says of what event, on which ways, in what words.

Nothing lists them. The file's name is the kind's name; it binds ``KIND = Kind(…)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from contracts.envelope import Envelope
from contracts.errors import Misconfigured
from contracts.event import Event
from core_lms.notifications.texts import Text
from core_lms.unit import Unit

HERE = Path(__file__).parent
LANGUAGES = ("en", "de")
"""Every kind is written in all of them."""

Facts = Mapping[str, Any]


async def no_facts(unit: Unit, envelope: Envelope) -> Facts | None:
    """Of a text that says the same to everybody."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of notification."""

    event: type[Event]
    about: str
    """One sentence for the page of preferences."""
    texts: Mapping[str, Text]
    facts: Callable[[Unit, Envelope], Awaitable[Facts | None]] = no_facts
    """What the texts are made of, read in the event's institution; None: nobody is notified."""
    example: Facts
    channels: tuple[str, ...] = ("in_app", "email")
    """On which ways it goes unless the person says otherwise."""
    essential: bool = False
    """About the account or a duty: it needs no consent and cannot be switched off."""
    link: str = ""
    """Where it leads, relative to the public address; with ``{facts}``."""
    max_age: timedelta = field(default=timedelta(days=7))
    """Of an older event nobody wants to hear, however it came late."""
    at_sending: Callable[[Unit, str, Facts], Awaitable[Facts | None]] | None = None
    """Further facts for the person (given those written down), made when it is sent and kept
    nowhere, such as a secret ``link``; committed before it goes out. None: it is dropped."""

    def recipients(self, event: Event) -> tuple[str, ...]:
        """Whoever the event is about."""
        return (str(event.user_id),)  # type: ignore[attr-defined]


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name."""
    found: dict[str, Kind] = {}
    for path in sorted(HERE.glob("[a-z]*.py")):
        kind = getattr(importlib.import_module(f"{__name__}.{path.stem}"), "KIND", None)
        if not isinstance(kind, Kind):
            raise Misconfigured(f"{path}: bind KIND = Kind(…)", path=path)
        missing = set(LANGUAGES) - set(kind.texts)
        if missing:
            raise Misconfigured(f"{path}: there is no text in {sorted(missing)}", path=path)
        found[path.stem] = kind
    return found
