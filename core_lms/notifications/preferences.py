"""On which channels a person gets a kind: their choices, else the kind's defaults.

What is essential goes on its channels whatever somebody chose. On a channel that leaves the product
the rest needs consent to communication.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import Rejected
from core_lms.notifications import repository
from core_lms.notifications.channels import POINT
from core_lms.notifications.kinds import Kind, kinds
from core_lms.notifications.schemas import PreferenceChange
from core_lms.plugins import plugins
from core_lms.privacy.consent import consented
from core_lms.unit import Unit
from gateway.errors import NotFound
from gateway.etags import Check

ALL = "*"
"""In the place of a kind: every kind that is not essential."""

Decided = Mapping[tuple[str, str], bool]


def enabled(kind: str, channel: str, decided: Decided) -> bool:
    """Whether the person wants it there, consent aside."""
    spec = kinds()[kind]
    default = channel in spec.channels
    if spec.essential:
        return default or decided.get((kind, channel), False)
    return decided.get((kind, channel), decided.get((ALL, channel), default))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person decided, read once."""

    decided: Decided
    communication: bool

    @classmethod
    async def of(cls, unit: Unit, user_id: object) -> Wishes:
        decided = await repository.decided(unit, user_id)
        return cls(decided, await consented(unit, user_id, "communication"))

    def refusal(self, kind: str, channel: str) -> str | None:
        """Why the person gets nothing on this channel; None: they do."""
        if not enabled(kind, channel, self.decided):
            return "the person does not want it there"
        if plugins(POINT)[channel].needs_consent and not kinds()[kind].essential:
            return None if self.communication else "no consent to communication"
        return None


async def of_person(unit: Unit, user_id: object) -> dict[str, Any]:
    """Every kind on every channel."""
    decided = await repository.decided(unit, user_id)
    return {
        "items": [
            _row(name, kind, channel, decided)
            for name, kind in kinds().items()
            for channel in plugins(POINT)
        ]
    }


def _row(name: str, kind: Kind, channel: str, decided: Decided) -> dict[str, Any]:
    return {
        "kind": name,
        "about": kind.about,
        "channel": channel,
        "enabled": enabled(name, channel, decided),
        "fixed": kind.essential and channel in kind.channels,
        "by_default": channel in kind.channels,
    }


async def change(
    unit: Unit, user_id: object, body: PreferenceChange, check: Check
) -> dict[str, Any]:
    """Raises ``Rejected`` for what cannot be chosen."""
    if not await unit.execute(repository.sql["lock_person"], user_id=user_id):
        raise NotFound(f"there is no user {user_id}")
    check(await of_person(unit, user_id))
    for choice in body.choices:
        await decide(unit, user_id, choice.kind, choice.channel, choice.enabled)
    return await of_person(unit, user_id)


async def decide(unit: Unit, user_id: object, kind: str, channel: str, enabled: bool) -> None:
    spec = kinds().get(kind)
    if spec is None and kind != ALL:
        raise Rejected(f"there is no kind of notification {kind!r}")
    if channel not in plugins(POINT):
        raise Rejected(f"there is no channel {channel!r}: {', '.join(plugins(POINT))}")
    if spec is not None and spec.essential and channel in spec.channels and not enabled:
        raise Rejected(f"{kind} on {channel} is essential and stays on")
    values = {"user_id": user_id, "kind": kind, "channel": channel, "enabled": enabled}
    await unit.execute(repository.sql["decide"], **values)
