"""A route without a policy fails here, in every HTTP process of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from gateway.actions import Action
from gateway.decision import RIGHTS, policy_files
from stack.profile import REPOSITORY
from tests.gateway.processes import WITH_ROUTES, application

OPERATION = re.compile(
    r"/health/(live|ready)|/metrics|/docs|/openapi\.json|/\.well-known/jwks\.json"
)
"""What shows nothing of anybody, and is asked before anybody is known."""

_action = re.compile(r'Action::"([^"]+)"')


def undeclared(app: FastAPI) -> list[str]:
    """Every route that names no action, or more than one."""
    return [
        f"{sorted(methods or {'ANY'})} {path}"
        for path, methods, dependant in _routes(app)
        if not OPERATION.fullmatch(path) and len(_actions(dependant)) != 1
    ]


def declared(app: FastAPI) -> set[str]:
    return {action for _, _, dependant in _routes(app) for action in _actions(dependant)}


def _routes(app: FastAPI) -> Iterator[tuple[str, Any, Any]]:
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        own = isinstance(route, APIRoute)
        yield str(found.path), found.methods, found.dependant if own else None


def _actions(dependant: Any) -> list[str]:
    found = [] if dependant is None else dependant.dependencies
    return [one.call.action for one in found if isinstance(one.call, Action)]


def named(package: str) -> set[str]:
    """Every action that a policy of the package names."""
    files = [path for path in policy_files() if path.is_relative_to(REPOSITORY / package)]
    assert files, f"{package} has no policies.cedar"
    return {name for path in files for name in _action.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("package", WITH_ROUTES)
def test_every_route_names_one_action(package: str) -> None:
    assert undeclared(application(package)) == []


@pytest.mark.parametrize("package", WITH_ROUTES)
def test_every_action_of_a_policy_is_one_of_a_route_beside_it(package: str) -> None:
    known = declared(application(package))
    known |= {"recommendation.show"} if package == "serving" else RIGHTS.keys()
    assert named(package) <= known


@pytest.mark.parametrize("package", ["serving", "dashboards"])
def test_an_action_is_one_that_a_policy_names(package: str) -> None:
    """The LMS's have rows in ``access.csv``: some are the administrators' alone."""
    assert declared(application(package)) <= named(package)


@pytest.mark.parametrize("package", WITH_ROUTES)
def test_a_route_without_an_action_is_found(package: str) -> None:
    app = WITH_ROUTES[package]()

    @app.get("/api/v1/everything")
    async def everything() -> None: ...

    app.mount("/files", FastAPI())
    assert undeclared(app) == ["['GET'] /api/v1/everything", "['ANY'] /files"]
