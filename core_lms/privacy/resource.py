"""A guardian of a learner, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Guardianship(Resource, beside=__file__):
    """The caller may be the ``guardian`` or the learner (``self``)."""

    user_id: UUID | str
    guardian_id: UUID | str
