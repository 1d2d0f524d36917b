"""Channels: the ways on which a notification reaches a person, each one file behind one protocol.

A third party adds one by the entry point ``learnstream.channels``. A channel's name is its file's
or entry point's; a kind names those it goes on by default, and a person may switch on any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from core_lms.notifications.texts import Rendered
from core_lms.plugins import Point
from core_lms.unit import Unit


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery, as a channel gets it. ``delivery_id`` stays the same when it is tried again."""

    delivery_id: str
    notification_id: str
    institution_id: str
    user_id: str
    kind: str
    essential: bool
    target: str
    """What ``targets`` named; '' where a person has one."""
    text: Rendered
    """Plain text: escape it where it becomes markup."""
    link: str | None
    """Whole, or None."""
    unsubscribe: str | None
    """The address of one-click unsubscribing; None for what is essential."""
    address: Callable[[], Awaitable[str]]
    """The person's mail address, opened when asked for: never log it, keep it nowhere."""
    transaction: Callable[[], AbstractAsyncContextManager[Unit]]
    """A unit of the institution, for a channel that keeps something; commits on leaving."""


@runtime_checkable
class Channel(Protocol):
    """What a channel can do."""

    needs_consent: bool
    """Whether it leaves the product: then what is not essential needs consent to communication."""

    def unavailable(self) -> str | None:
        """Why nothing can be sent here at all, naming the setting; None: it can."""
        ...

    async def targets(self, unit: Unit, user_id: str) -> Sequence[str]:
        """The ways to this person, named in up to 64 characters; none where there is no way."""
        ...

    async def send(self, message: Message) -> None:
        """Returns once the other side has taken it.

        It may be called again for the same ``delivery_id`` (we died before noting that it was
        sent): hand the id over, so that the receiver knows it again. Raises ``Retryable`` to be
        called again later, ``Rejected`` where that is no use; no message of either has an address.
        """
        ...


POINT = Point[Channel](
    "learnstream.channels",
    Channel,
    Path(__file__).parent,
    attribute="channel",
    about="ways on which notifications reach people",
)
