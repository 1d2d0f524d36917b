"""People and their roles, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Person(Resource, beside=__file__):
    """An account; the caller may be the ``self``, a ``guardian``, an ``instructor`` of theirs."""

    user_id: UUID | str


@dataclass(frozen=True)
class RoleOf(Resource, beside=__file__):
    """A role of somebody: one that shall be given, by its scope, or one they have, by its id."""

    user_id: UUID | str
    scope: str | None = None
    role_id: UUID | str | None = None


@dataclass(frozen=True)
class Relation(Resource):
    """What the caller is to somebody, who need not exist."""

    user_id: UUID | str
