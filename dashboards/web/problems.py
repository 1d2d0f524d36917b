"""Errors as RFC 9457 problem documents: the one place where this process chooses status codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from contracts.errors import LearnstreamError, Misconfigured, Rejected, Retryable


def problem(status: int, detail: str, request: Request, **more: Any) -> Response:
    """``application/problem+json`` with ``type, title, status, detail, instance`` and ``more``."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(
        orjson.dumps({**body, "instance": request.url.path, **more}),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def status_of(error: LearnstreamError) -> int:
    """A refused request keeps the status the part behind us gave it, where one did."""
    if isinstance(error, Rejected):
        return int(error.facts.get("status", HTTPStatus.NOT_FOUND))
    if isinstance(error, Retryable):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def install(app: FastAPI) -> None:
    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, LearnstreamError)
        return problem(status_of(error), error.message, request)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail
        if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = f"there is nothing at {request.url.path}"
        return problem(error.status_code, detail, request)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [
            {"field": ".".join(map(str, one["loc"])), "detail": one["msg"]}
            for one in error.errors()
        ]
        detail = "; ".join(f"{one['field']}: {one['detail']}" for one in wrong)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, request, errors=wrong)

    for kind in (Rejected, Retryable, Misconfigured):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
