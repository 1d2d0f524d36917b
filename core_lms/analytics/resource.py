"""Analytics, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Analytics(Resource, sql=_sql["analytics"]):
    """The rows of one scope: ``installation``, ``institution``, ``courses`` or ``self``.

    None: the widest of the caller's own.
    """

    scope: str | None
