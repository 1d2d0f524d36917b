"""What a consumer and a loop declare, and finding the files that declare them."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope
from contracts.errors import Misconfigured
from contracts.event import Event
from core_lms.unit import Unit

CORE_LMS = Path(__file__).resolve().parent.parent

_name = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")


@dataclass(frozen=True, slots=True)
class Consumer:
    """Applies events to the LMS's own tables, each exactly once, in the order of their topic.

    ``handle`` writes through ``unit.cursor`` and ``unit.emit`` only; it commits nothing and does
    nothing outside the database, for the transaction may be rolled back and repeated. It raises
    ``Rejected`` for an event that can never be applied (set aside, see ``learnstream inbox``) and
    ``Retryable`` for one that cannot be applied yet (repeated until it can, later ones wait).
    """

    name: str
    """Names the position in Postgres: renaming it begins anew. ``<context>.<action>``."""
    events: tuple[type[Event], ...]
    """The classes of ``contracts.events`` it wants; other types of their topics pass unread."""
    handle: Callable[[Unit, Envelope], Awaitable[None]]
    passes: Callable[[Envelope], bool] | None = None
    """True for an event that changes nothing, decided without the database: an old one, say. An
    import brings hundreds of thousands."""
    interest: Callable[[Unit], Awaitable[Callable[[Envelope], bool]]] | None = None
    """Asks the database what an institution wants at all, once for all its events of a batch: those
    for which the answer is False change nothing. It only reads."""
    confirms: bool = True
    """Whether the LMS's own row has to say what the event says (``core_lms.inbox.confirming``).
    Everybody whose effects somebody would forge an event for; so, everybody."""
    begin: Literal["earliest", "latest"] = "earliest"
    """Where it begins the first time ever: with all history, or with what comes from now on."""

    history: bool = True
    """Whether it wants events marked as history (``contracts.history``). What it emits for them is
    marked too. False for whoever notifies somebody."""

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({event.TOPIC.name for event in self.events}))

    @property
    def event_types(self) -> frozenset[str]:
        return frozenset(event.TYPE for event in self.events)


@dataclass(frozen=True, slots=True)
class Loop:
    """Work beside the consumers that waits for no event: sending what is due, tidying up.

    ``run(pool, stop)`` returns soon after ``stop`` is set. It is started again after an error, with
    back-off. Several processes may run it at once: it takes its work under a lock or lease.
    """

    name: str
    run: Callable[[AsyncConnectionPool[Any], asyncio.Event], Awaitable[None]]
    check: Callable[[], object] = lambda: None
    """Raises ``Misconfigured``, before anything runs, for a setting that the loop cannot use."""


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Returns after ``seconds``, or at once when ``stop`` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


Declared = TypeVar("Declared", Consumer, Loop)


def consumers(services: Collection[str] = (), root: Path = CORE_LMS) -> list[Consumer]:
    """The consumers of all contexts, or of those in ``services``, by name."""
    patterns = ("*/consumer.py", "*/consumers/*.py")
    return _found(patterns, "CONSUMER", Consumer, services, root)


def loops(services: Collection[str] = (), root: Path = CORE_LMS) -> list[Loop]:
    """The loops of all contexts, or of those in ``services``, by name."""
    return _found(("*/loops/*.py",), "LOOP", Loop, services, root)


def _found(
    patterns: tuple[str, ...],
    variable: str,
    kind: type[Declared],
    services: Collection[str],
    root: Path,
) -> list[Declared]:
    found: dict[str, Declared] = {}
    paths: list[Path] = sorted(path for pattern in patterns for path in root.glob(pattern))
    for path in paths:
        parts: tuple[str, ...] = path.relative_to(root).with_suffix("").parts
        if parts[-1] == "__init__" or (services and parts[0] not in services):
            continue
        module = importlib.import_module(".".join((root.name, *parts)))
        declared = getattr(module, variable, None)
        if not isinstance(declared, kind):
            raise Misconfigured(f"{path}: bind {variable} = {kind.__name__}(…)", path=path)
        if not _name.match(declared.name):
            raise Misconfigured(
                f"{path}: {declared.name!r} is not a name like context.what_it_does"
            )
        if found.setdefault(declared.name, declared) is not declared:
            raise Misconfigured(f"{path}: another {kind.__name__} is named {declared.name!r}")
    return [found[name] for name in sorted(found)]
