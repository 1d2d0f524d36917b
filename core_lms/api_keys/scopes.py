"""Scopes of a key: every one must name something that exists, and that its giver may give."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from fastapi.routing import APIRoute, iter_route_contexts

from contracts.errors import Rejected
from gateway.actions import Action
from gateway.caller import Caller
from gateway.decision import RIGHTS
from gateway.errors import Forbidden

CORE_LMS = Path(__file__).resolve().parent.parent


@cache
def actions() -> frozenset[str]:
    """Of every route of every context, whichever this process serves, and every right beside."""
    found = set()
    for path in sorted(CORE_LMS.glob("*/routes.py")):
        router = importlib.import_module(f"core_lms.{path.parent.name}.routes").router
        for route in iter_route_contexts(router.routes):
            if isinstance(route.original_route, APIRoute):
                calls = (dependency.call for dependency in route.dependant.dependencies)
                found |= {call.action for call in calls if isinstance(call, Action)}
    return frozenset(found | RIGHTS.keys())


def check(caller: Caller, scopes: list[str]) -> None:
    """Raises ``Rejected`` for a scope that covers no action, ``Forbidden`` for one too wide.

    A machine cannot widen itself by making a key: what it gives, it must have.
    """
    for scope in scopes:
        if scope != "*" and not any(_covers(scope, action) for action in actions()):
            raise Rejected(f"scopes: {scope} covers no action: see the API's description")
        if caller.kind == "machine" and not any(_covers(own, scope) for own in caller.permissions):
            raise Forbidden(f"scopes: a key cannot give {scope}, which it does not have itself")


def _covers(scope: str, what: str) -> bool:
    """Whether ``scope`` covers an action, or all that another scope covers."""
    if scope in ("*", what):
        return True
    noun, _, rest = scope.partition(".")
    return rest == "*" and what.startswith(f"{noun}.")
