"""A guardian of a learner, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core_lms.access.resource import Resource
from core_lms.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Guardianship(Resource, sql=_sql["guardianship"]):
    """The caller may be the ``guardian`` or the learner (``self``)."""

    user_id: UUID | str
    guardian_id: UUID | str
