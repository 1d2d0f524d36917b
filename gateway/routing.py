"""Finding the route of a request, which is asked of every route and so has to be quick.

``FastAPI.include_router`` keeps routers nested and asks each of them twice; here the contexts'
routes become the application's own, and one whose path has another shape says so at once. With
``include_router``, ``bench lms`` takes 31 % more processor time for a read
(``docs/performance.md``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Match
from starlette.types import Scope

from contracts.errors import Misconfigured

_SHAPE = "learnstream.shape"
Shape = tuple[int, str]
"""How many parts a path has, and the third: ``(5, "courses")`` for /api/v1/courses/{id}/items."""


def _shape(path: str) -> Shape:
    parts = path.split("/")
    return len(parts), parts[3] if len(parts) > 3 else ""


class ShapedRoute(APIRoute):
    """A route that only looks closer at paths of its own shape."""

    def __init__(self, path: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(path, *args, **kwargs)
        shape = _shape(path)
        self._shape: Shape | None = None if ":path" in path or "{" in shape[1] else shape

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._shape is not None:
            shape = scope.get(_SHAPE)
            if shape is None:
                shape = scope[_SHAPE] = _shape(scope["path"])
            if shape != self._shape:
                return Match.NONE, {}
        return super().matches(scope)


def within(outer: Any, inner: Any) -> Any:
    """The lifespan of which ``inner`` is a part; the state is the inner one's, if it has any."""

    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[Any]:
        async with outer(app) as state, inner(app) as own:
            yield own if state is None else state

    return both


def add(app: FastAPI, router: APIRouter, prefix: str = "") -> None:
    """Like ``app.include_router``, for routers whose routes are all ordinary ones.

    What a router does at start and end (``lifespan``: check a setting, open a pool) is done within
    the application's own.
    """
    app.router.lifespan_context = within(app.router.lifespan_context, router.lifespan_context)
    for route in iter_route_contexts(router.routes):
        path, endpoint = route.path, route.endpoint
        if not isinstance(route.original_route, APIRoute) or path is None or endpoint is None:
            raise Misconfigured(f"{path}: only ordinary routes are served", path=path)
        app.router.add_api_route(
            prefix + path,
            endpoint,
            response_model=route.response_model,
            status_code=route.status_code,
            tags=route.tags,
            dependencies=route.dependencies,
            summary=route.summary,
            description=route.description,
            response_description=route.response_description,
            responses=route.responses,
            deprecated=route.deprecated,
            methods=route.methods,
            operation_id=route.operation_id,
            response_model_include=route.response_model_include,
            response_model_exclude=route.response_model_exclude,
            response_model_by_alias=route.response_model_by_alias,
            response_model_exclude_unset=route.response_model_exclude_unset,
            response_model_exclude_defaults=route.response_model_exclude_defaults,
            response_model_exclude_none=route.response_model_exclude_none,
            include_in_schema=route.include_in_schema,
            response_class=route.response_class,
            name=route.name,
            route_class_override=ShapedRoute,
            callbacks=route.callbacks,
            openapi_extra=route.openapi_extra,
            generate_unique_id_function=route.generate_unique_id_function,
            strict_content_type=route.strict_content_type,
            max_body_size=route.max_body_size,
        )
