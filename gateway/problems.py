"""Errors as problem documents (RFC 9457): the one place that knows HTTP status codes."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
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
    """One part of the request that is wrong: one of ``pointer``, ``parameter`` and ``header``."""

    pointer: str | None = Field(
        default=None, description="into the body, as a JSON Pointer: `#/profile/language`"
    )
    parameter: str | None = Field(default=None, description="of the query or the path")
    header: str | None = None
    detail: str

    @property
    def place(self) -> str:
        """The part in words, for a sentence."""
        if self.pointer is not None:
            return self.pointer.removeprefix("#/").replace("/", ".") or "the body"
        return str(self.parameter or self.header)


class Problem(BaseModel):
    """The body of every answer from 400 on."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldProblem] = []


OURS = "an error on our side; it was logged"
"""All that a caller learns of one that they can do nothing about."""

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
    """A problem document; ``kind`` is the end of its ``type``, which is ``about:blank`` without."""
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
    """The document of one of our own errors; its nearest class in ``STATUS`` decides.

    The fact ``pointer`` says which part of the body is wrong, where one is.
    """
    known = next(cls for cls in type(error).__mro__ if cls in STATUS)
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", known.__name__).lower()
    headers = _HEADERS.get(known, {})
    if "retry_after_s" in error.facts:
        headers = headers | {"Retry-After": str(error.facts["retry_after_s"])}
    headers = headers | error.facts.get("headers", {})
    status = error.facts["status"] if known is Relayed else STATUS[known]
    pointer = error.facts.get("pointer")
    wrong = [FieldProblem(pointer=pointer, detail=error.message)] if pointer else None
    return problem(status, error.message, kind=kind, errors=wrong, headers=headers)


Lost = Callable[[], Awaitable[None]]
"""What a process does once a connection to its database was found lost."""


def install(app: FastAPI, lost: Lost | None = None) -> None:
    """Answer every error of ``app``'s routes with a problem document."""

    @app.exception_handler(LearnstreamError)
    async def _ours(request: Request, error: LearnstreamError) -> JSONResponse:
        answer = of(error)
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            # Its sentence is for whoever runs the process: it may name files and settings.
            log.error("%s", error.message, extra={"error": type(error).__name__})
            return problem(answer.status_code, OURS)
        return answer

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # The refused values stay out of the answer: they may be somebody's name or address.
        found = [_field(item, error.body) for item in error.errors()[:20]]
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return of(Malformed(f"the body is not JSON: {found[0].detail}"))
        detail = f"{found[0].place}: {found[0].detail}"
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


def _field(item: Mapping[str, Any], body: Any) -> FieldProblem:
    detail = item["ctx"]["error"] if item["type"] == "json_invalid" else item["msg"]
    detail = str(detail).removeprefix("Value error, ")
    source, *place = item["loc"]
    if source == "body":
        return FieldProblem(pointer=_pointer(place, body, item["type"]), detail=detail)
    name = str(place[0]) if place else str(source)
    if source in ("header", "cookie"):
        return FieldProblem(header=name, detail=detail)
    return FieldProblem(parameter=name, detail=detail)


def _pointer(place: Sequence[Any], body: Any, kind: str) -> str:
    """The JSON Pointer (RFC 6901) of a place in ``body``.

    Pydantic's places also name the validators and the members of unions that it tried: what is
    no place in the body is left out.
    """
    steps: list[str] = []
    for number, step in enumerate(place):
        listed = isinstance(body, list) and isinstance(step, int) and step < len(body)
        if listed or (isinstance(body, dict) and step in body):
            body = body[step]
        elif not (kind == "missing" and number == len(place) - 1):
            continue
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "#/" + "/".join(steps) if steps else "#"
