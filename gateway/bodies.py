"""Which request bodies are let in: JSON in UTF-8, uncompressed, up to a limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message as Header

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import problems
from gateway.errors import Malformed, TooLarge, UnsupportedMedia

MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Bodies:
    """What a process reads besides JSON, by path."""

    streamed: re.Pattern[str] | None = None
    """Where files are PUT: the route itself reads them, piece by piece, with a limit of its own."""
    forms: re.Pattern[str] | None = None
    """Where a form is posted."""
    max_bytes: int = MAX_BYTES


JSON_ONLY = Bodies()


class BodyGate:
    """ASGI middleware: reads the body up to the limit before the application sees it."""

    def __init__(self, app: ASGIApp, bodies: Bodies = JSON_ONLY) -> None:
        self._app, self._bodies = app, bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        path, streamed, forms = scope["path"], self._bodies.streamed, self._bodies.forms
        if scope["method"] == "PUT" and streamed is not None and streamed.fullmatch(path):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(receive)
            if body and not (forms is not None and forms.fullmatch(path)):
                _check(dict(scope["headers"]), body)
        except (TooLarge, UnsupportedMedia, Malformed) as error:
            await problems.of(error)(scope, receive, send)
            return
        if body is None:
            return  # the caller hung up
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._bodies.max_bytes:
                raise TooLarge(f"the body is longer than {self._bodies.max_bytes} bytes")
            if not message.get("more_body", False):
                return bytes(body)


def _check(headers: dict[bytes, bytes], body: bytes) -> None:
    header = Header()
    header["content-type"] = headers.get(b"content-type", b"application/json").decode("latin-1")
    if header.get_content_type() != "application/json":
        raise UnsupportedMedia("send the body as application/json")
    if str(header.get_param("charset", "utf-8")).lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia("send the body in UTF-8")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMedia("send the body uncompressed")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 at byte {error.start}") from None
    if b"\0" in body:
        raise Malformed("the body contains a NUL byte")
