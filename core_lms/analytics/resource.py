"""Analytics, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.resource import Resource


@dataclass(frozen=True)
class Analytics(Resource, beside=__file__):
    """The rows of one scope: ``installation``, ``institution``, ``courses`` or ``self``.

    None: the widest of the caller's own.
    """

    scope: str | None
