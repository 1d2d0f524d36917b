"""Refuses query parameters that an operation does not have: a misspelt filter would filter nothing.

It holds for the API. Pages that people open from a link are asked with whatever a mail program or
a network has added to it, and answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Scope

API = "/api/"
MOST = 10
"""Unknown parameters that one answer names."""

_KEPT = "learnstream_parameters"


def only_known(scope: Scope) -> None:
    """Raises ``RequestValidationError`` for parameters that the matched route does not have.

    Without a query it costs nothing: what a route knows is worked out at its first one.
    """
    if not scope["query_string"] or not scope["path"].startswith(API):
        return
    known = _known(scope["route"])
    unknown = [
        name
        for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if name not in known
    ]
    if unknown:
        raise RequestValidationError([_refusal(name, known) for name in unknown[:MOST]])


def _known(route: APIRoute) -> frozenset[str]:
    """The names of a route's query parameters, kept at the route."""
    found: frozenset[str] | None = getattr(route, _KEPT, None)
    if found is None:
        found = frozenset(_names(route.dependant))
        setattr(route, _KEPT, found)
    return found


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _names(inner)


def _refusal(name: str, known: frozenset[str]) -> dict[str, Any]:
    near = difflib.get_close_matches(name, known, n=1)
    has = f"it has {', '.join(sorted(known))}" if known else "it has none"
    detail = "there is no such parameter; " + (f"did you mean {near[0]}?" if near else has)
    return {"type": "unknown_parameter", "loc": ("query", name[:100]), "msg": detail}
