"""Enrollments, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Enrollment(Resource, sql=_sql["enrollment"]):
    """A learner in a course; the caller may be that learner (``self``) or an ``instructor``."""

    enrollment_id: UUID | str


@dataclass(frozen=True)
class Invitation(Resource, sql=_sql["invitation"]):
    """Somebody asked into a course: the caller may be the ``self`` or an ``instructor`` of it."""

    invitation_id: UUID | str
