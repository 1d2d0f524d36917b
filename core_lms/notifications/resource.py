"""What notifications' own requests are about: people (users) and unsubscribe links."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.resource import Resource


@dataclass(frozen=True)
class Unsubscription(Resource, beside=__file__):
    """What a signed link ends; whoever has the link may follow it."""

    user_id: str

    def __str__(self) -> str:
        return "unsubscribe link"
