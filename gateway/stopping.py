"""The end of a process: open streams are closed, everything else is answered.

uvicorn stops listening on SIGTERM and waits for the answers under way. A stream of events never
ends by itself, so it is ended here, cleanly: browsers connect again, to a process that stays.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STREAM = b"text/event-stream"


class Stopping:
    """Whether this process is about to end, and the tasks that stream until then."""

    def __init__(self) -> None:
        self.is_set = False
        self._streams: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take note of SIGTERM and SIGINT before the server does; call it in the event loop."""
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield  # signals only reach the main thread
            return
        before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}

        def noted(number: int, frame: FrameType | None) -> None:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.begin)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for name in before:
            signal.signal(name, noted)
        try:
            yield
        finally:
            for name, handler in before.items():
                if signal.getsignal(name) is noted:
                    signal.signal(name, handler)

    def begin(self) -> None:
        """Close the streams; new ones are closed as they open."""
        self.is_set = True
        for task in self._streams:
            task.cancel()

    def opened(self, task: asyncio.Task[Any]) -> None:
        """Note a task that streams; it is cancelled at once where the process is ending."""
        self._streams.add(task)
        if self.is_set:
            task.cancel()

    def closed(self, task: asyncio.Task[Any]) -> None:
        """Forget a task whose stream is over."""
        self._streams.discard(task)


class Streams:
    """ASGI middleware that ends streams of events when the process is about to."""

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app, self._stopping = app, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        task = asyncio.current_task()  # here: the response may be sent by a child of it
        assert task is not None
        streaming = False

        async def watched(message: Message) -> None:
            nonlocal streaming
            await send(message)
            if message["type"] == "http.response.start" and _is_stream(message):
                streaming = True
                self._stopping.opened(task)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not streaming or not self._stopping.is_set:
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if streaming:
                self._stopping.closed(task)


def _is_stream(start: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(STREAM)
        for name, value in start.get("headers", ())
    )
