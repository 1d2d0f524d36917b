"""A learner that somebody may act as, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core_lms.sessions.settings import settings
from gateway.caller import Caller
from gateway.resource import Resource


@dataclass(frozen=True)
class InventedLearner(Resource, beside=__file__):
    """An account; ``demo`` is whether this is the local demo, ``invented`` whether it is a
    student's and nobody's."""

    user_id: UUID | str

    def params(self, caller: Caller) -> dict[str, Any]:
        return super().params(caller) | {"demo": settings().demo()}
