"""A guardian of a learner, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Guardianship(Resource, sql=_sql["guardianship"]):
    """The caller may be the ``guardian`` or the learner (``self``)."""

    user_id: UUID | str
    guardian_id: UUID | str
