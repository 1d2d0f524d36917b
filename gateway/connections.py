"""One connection of ours: who sends headers or a body too slowly, or too much, is cut off.

uvicorn itself waits for a client for ever. The parser keeps what it has of a header until that is
complete, so what is unfinished is bounded here; finished headers are counted in ``front.py``.
"""

from __future__ import annotations

import logging
from asyncio.events import TimerHandle
from collections.abc import Callable
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.settings import FrontSettings

log = logging.getLogger("gateway.connections")

MAX_UNFINISHED_BYTES = 64 * 1024
"""Of a request line and headers that are not complete yet."""

_settings = cache(FrontSettings)


class Connection(HttpToolsProtocol):
    """uvicorn's own, with deadlines. A request that is being answered has none: a stream of events
    may stay open for hours. One that arrives whole never starts a timer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._front = _settings()
        self._deadline: TimerHandle | None = None
        self._in_headers = self._in_body = False
        self._unfinished = 0
        """Bytes since the headers began."""
        self._body_began_at, self._body_bytes = 0.0, 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._front.max_connections:
            log.warning("too many connections", extra={"most": self._front.max_connections})
            self._refuse(503, "too many connections: try again")
            return
        self._wait(self._front.header_timeout_s, self._headers_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_body:
            self._body_bytes += len(data)
            if self._deadline is None:
                self._body_began_at = self.loop.time()
                self._wait(self._front.body_timeout_s, self._body_late)
            return
        idle = self.cycle is None or self.cycle.response_complete
        if not (self._in_headers or idle) or self.transport.is_closing():
            return
        self._unfinished += len(data)
        if self._unfinished > MAX_UNFINISHED_BYTES:
            self._refuse(431, "the headers are too long")
        elif self._deadline is None:
            self._wait(self._front.header_timeout_s, self._headers_late)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        self._in_headers, self._in_body = False, True
        self._unfinished = self._body_bytes = 0
        self._wait(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._wait(None)
        super().on_message_complete()

    def _headers_late(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(408, "the headers came too slowly")
        else:  # of a request that was sent before the one in front of it was answered
            self.transport.abort()

    def _body_late(self) -> None:
        """Cut a body that is behind its rate; one that we do not read at the moment is not late."""
        self._deadline = None
        now = self.loop.time()
        if self.flow.read_paused:
            self._body_began_at, self._body_bytes = now, 0
        allowed_s = self._front.body_timeout_s + self._body_bytes / self._front.body_min_bytes_per_s
        left_s = self._body_began_at + allowed_s - now
        if left_s > 0:
            self._wait(left_s, self._body_late)
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(408, "the body came too slowly")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without an application, and close."""
        self._wait(None)
        if self.transport.is_closing():
            return
        body = b'{"type":"about:blank","status":%d,"detail":"%s"}' % (status, detail.encode())
        reason = {408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n"
            % (status, reason.get(status, b"Unavailable"), len(body))
            + body
        )
        self.transport.close()

    def _wait(self, seconds: float | None, then: Callable[[], None] | None = None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None and then is not None:
            self._deadline = self.loop.call_later(seconds, then)
