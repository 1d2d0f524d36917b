"""Enrollments, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Enrollment(Resource, beside=__file__):
    """A learner in a course; the caller may be that learner (``self``) or an ``instructor``."""

    enrollment_id: UUID | str


@dataclass(frozen=True)
class Invitation(Resource, beside=__file__):
    """Somebody asked into a course: the caller may be the ``self`` or an ``instructor`` of it."""

    invitation_id: UUID | str
