"""What caches between us and a browser may keep: nothing, unless a route says otherwise."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULT = (b"cache-control", b"private, no-store")


class CacheControl:
    """ASGI middleware: an answer without ``Cache-Control`` is one person's, and not for keeping.

    Routes with an ETag say ``private, no-cache`` (a browser keeps it and asks each time), the few
    that are everybody's say ``public``: a CDN in front needs no rules of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                if not any(name == b"cache-control" for name, _ in headers):
                    message["headers"] = [*headers, DEFAULT]
            await send(message)

        await self._app(scope, receive, told)
