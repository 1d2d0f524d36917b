"""Errors as problem documents (RFC 9457): the one place that knows HTTP status codes."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from contracts.errors import LearnstreamError, Rejected, Retryable
from gateway import request_ids
from gateway.errors import (
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    HeadersTooLarge,
    KeyReused,
    Malformed,
    Misdirected,
    NotFound,
    PaymentRequired,
    PreconditionMissing,
    RangeNotSatisfiable,
    Relayed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
)

log = logging.getLogger("gateway")

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[LearnstreamError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    PaymentRequired: HTTPStatus.PAYMENT_REQUIRED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Malformed: HTTPStatus.BAD_REQUEST,
    UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HeadersTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Misdirected: HTTPStatus.MISDIRECTED_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    PreconditionMissing: HTTPStatus.PRECONDITION_REQUIRED,
    ChangedMeanwhile: HTTPStatus.PRECONDITION_FAILED,
    RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Relayed: HTTPStatus.BAD_REQUEST,
    Rejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    Retryable: HTTPStatus.SERVICE_UNAVAILABLE,
    LearnstreamError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


_HEADERS: dict[type[LearnstreamError], dict[str, str]] = {
    Retryable: {"Retry-After": "1"},
    Unauthenticated: {"WWW-Authenticate": "Bearer"},
}


class FieldProblem(BaseModel):
    """One member of the request that is wrong."""

    where: str
    detail: str


class Problem(BaseModel):
    """The body of every answer from 400 on."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldProblem] = []


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused; `detail` says why"},
    "5XX": {"model": Problem, "description": "Failed here; 503 may be tried again"},
}
"""What every route adds to its OpenAPI description."""


def problem(
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    known = status in HTTPStatus._value2member_map_
    title = HTTPStatus(status).phrase if known else "Refused"
    body = Problem(
        type=f"urn:learnstream:problem:{kind}" if kind else "about:blank",
        title=title,
        status=status,
        detail=detail,
        request_id=request_ids.current(),
        errors=errors or [],
    )
    content = body.model_dump(exclude_defaults=True)
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def of(error: LearnstreamError) -> JSONResponse:
    """The document of one of our own errors; its nearest class in ``STATUS`` decides."""
    known = next(cls for cls in type(error).__mro__ if cls in STATUS)
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", known.__name__).lower()
    headers = _HEADERS.get(known, {})
    if "retry_after_s" in error.facts:
        headers = headers | {"Retry-After": str(error.facts["retry_after_s"])}
    headers = headers | error.facts.get("headers", {})
    status = error.facts["status"] if known is Relayed else STATUS[known]
    return problem(status, error.message, kind=kind, headers=headers)


Lost = Callable[[], Awaitable[None]]
"""What a process does once a connection to its database was found lost."""


def install(app: FastAPI, lost: Lost | None = None) -> None:
    """Answer every error of ``app``'s routes with a problem document."""

    @app.exception_handler(LearnstreamError)
    async def _ours(request: Request, error: LearnstreamError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # The refused values stay out of the answer: they may be somebody's name or address.
        found = [_field(item) for item in error.errors()[:20]]
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return of(Malformed(f"the body is not JSON: {found[0].detail}"))
        detail = f"{found[0].where}: {found[0].detail}"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid", errors=found)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(PoolTimeout)
    async def _away(request: Request, error: Exception) -> JSONResponse:
        # Also a deadlock or a lost connection: the transaction did not happen, or the
        # idempotency key will show.
        log.warning("database away", extra={"error": type(error).__name__})
        unknown = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        if unknown and lost is not None:
            await lost()
        return of(Retryable("the database is not available at the moment; try again"))

    @app.exception_handler(RedisError)
    async def _redis_away(request: Request, error: RedisError) -> JSONResponse:
        log.warning("redis away", extra={"error": type(error).__name__})
        return of(Retryable("sessions are not available at the moment; try again"))

    @app.exception_handler(psycopg.DataError)
    async def _data(request: Request, error: psycopg.DataError) -> JSONResponse:
        log.warning("the database refused a value", extra={"sqlstate": error.sqlstate})
        return of(Rejected("a value in the request cannot be stored"))


def _field(item: Mapping[str, Any]) -> FieldProblem:
    where = ".".join(str(name) for name in item["loc"] if name != "body") or "body"
    detail = item["ctx"]["error"] if item["type"] == "json_invalid" else item["msg"]
    return FieldProblem(where=where, detail=str(detail))
