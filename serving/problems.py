"""Errors as problem documents (RFC 9457): the one place here that knows HTTP status codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from contracts.errors import LearnstreamError, Rejected, Retryable
from serving.errors import NotFound

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[LearnstreamError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Rejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    Retryable: HTTPStatus.SERVICE_UNAVAILABLE,
    LearnstreamError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Problem(BaseModel):
    """The body of every answer from 400 on."""

    type: str
    title: str
    status: int
    detail: str


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused; `detail` says why"},
    "5XX": {"model": Problem, "description": "Failed here; 503 may be tried again"},
}


def problem(status: int, detail: str, kind: str | None = None) -> JSONResponse:
    body = Problem(
        type=f"urn:learnstream:problem:{kind}" if kind else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
    )
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem document."""

    @app.exception_handler(LearnstreamError)
    async def _ours(request: Request, error: LearnstreamError) -> JSONResponse:
        known = next(cls for cls in type(error).__mro__ if cls in _STATUS)
        return problem(_STATUS[known], error.message, known.__name__.lower())

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        detail = f"{where}: {first['msg']}"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "invalid")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> JSONResponse:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error on our side; it was logged")
