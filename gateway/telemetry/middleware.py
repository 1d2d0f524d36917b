"""Around every request: how long it took and how it ended, and the trace it belongs to."""

from __future__ import annotations

import time

from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.telemetry import metrics, tracing

UNMATCHED = "none"
"""What is no route of ours: guessed addresses must not become label values."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Telemetry:
    """ASGI middleware, the outermost: it also sees what the gateway and the limits refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = tracing.of_request(scope["headers"])
        if tracing.on():
            await self._traced(scope, receive, send, traceparent)
            return
        tracing.pass_on(traceparent)
        await self._counted(scope, receive, send)

    async def _traced(
        self, scope: Scope, receive: Receive, send: Send, traceparent: str | None
    ) -> None:
        method = scope["method"]
        with tracing.span(
            method, SpanKind.SERVER, traceparent, **{"http.request.method": method}
        ) as span:
            status = await self._counted(scope, receive, send)
            if span is not None:
                route = route_of(scope)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = 500  # unless an answer begins, the server says this

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        metrics.OPEN.inc()
        started = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            metrics.OPEN.dec()
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            total, seconds = metrics.answered(method, route_of(scope), status)
            total.inc()
            seconds.observe(time.perf_counter() - started)
        return status


def route_of(scope: Scope) -> str:
    """The route's template, as in ``/courses/{course_id}``: never an id."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
