"""Who asks: a person, a machine with a key, one of our own consumers, or nobody in particular."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

Kind = Literal["person", "machine", "service", "anonymous"]

FRESH_S = 600
"""A login this young is recent enough for what cannot be undone."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What the gateway learned from a request's credentials; the same for every service.

    ``roles`` are ``<role>@institution`` or ``<role>@global``; what somebody is to one course or
    person is a relationship and looked up with the resource. ``permissions`` are names of actions,
    ``prefix.*`` or ``*``: for a machine they decide, for a person they only say to a client what to
    offer.
    """

    kind: Kind
    institution_id: str
    user_id: str | None = None
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    session_id: str | None = None
    authenticated_at: float | None = None
    name: str = "anonymous"
    """For logs and the audit: ``user/<id>``, ``key/<id>``, ``machine/serving``,
    ``service/grading``."""
    service: str | None = None
    """Which of our own services a machine is, where it came with a service key."""
    on_behalf_of: str | None = None
    """The ``name`` of the caller for whom that service asks."""
    made_by: str | None = None
    """The person who made a machine's key: who shuts them out shuts out the key."""

    @property
    def actor(self) -> str:
        """The name, with whom it acts for: what the audit log keeps."""
        return f"{self.name} for {self.on_behalf_of}" if self.on_behalf_of else self.name

    def fresh(self, now: float | None = None) -> bool:
        """Whether the person proved who they are within the last ``FRESH_S`` seconds."""
        if self.authenticated_at is None:
            return False
        return (time.time() if now is None else now) - self.authenticated_at < FRESH_S


def anonymous(institution_id: str) -> Caller:
    """Whoever shows no credentials, at one institution."""
    return Caller("anonymous", institution_id)


def service(name: str, institution_id: str) -> Caller:
    """One of our own consumers, acting for an institution because of an event."""
    return Caller("service", institution_id, name=f"service/{name}")
