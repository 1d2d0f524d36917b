"""What whoever runs a process asks of it: is it alive, is it ready, what are its numbers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry

from gateway.stopping import Stopping
from gateway.telemetry import metrics

REFERENCE = (Path(__file__).parent / "reference.html").read_bytes()
"""One page with its style and script in it: the API's documentation asks nobody else for assets."""


def _digest(tag: bytes) -> str:
    found = re.search(rb"<%s>(.*?)</%s>" % (tag, tag), REFERENCE, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'"


_REFERENCE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; connect-src 'self'; "
    f"script-src {_digest(b'script')}; style-src {_digest(b'style')}; frame-ancestors 'none'",
}

Ready = Callable[[], Awaitable[dict[str, Any]]]
"""Facts of a process that can answer; raises ``NotReady`` with those of one that cannot."""


class NotReady(Exception):
    """Requests should go elsewhere now."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(*facts.values())
        self.facts = facts


def health(
    ready: Ready,
    stopping: Stopping,
    registry: CollectorRegistry | None = None,
    *,
    documented: bool = True,
) -> APIRouter:
    """``/health/live``, ``/health/ready`` and ``/metrics``: for the machines around us, without
    credentials, and refused to whoever comes through a proxy (``gateway/front.py``). ``/docs`` is
    the API for people, where it is ``documented``.
    """
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def check_liveness() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "live"}

    @router.get(
        "/health/ready",
        summary="Say whether the process can answer",
        responses={503: {"description": "Send it no requests now"}},
        description=f"{(ready.__doc__ or '').strip()}\n\nNot ready from the moment the process is "
        "ending: it still answers what it has begun.",
    )
    async def check_readiness(response: Response) -> dict[str, Any]:
        if stopping.is_set:
            response.status_code = 503
            return {"status": "stopping"}
        try:
            return {"status": "ready", **await ready()}
        except NotReady as error:
            response.status_code = 503
            return {"status": "waiting", **error.facts}

    @router.get("/metrics", response_class=Response, include_in_schema=False)
    async def numbers() -> Response:
        """What Prometheus reads."""
        body, media_type = metrics.exposition(registry)
        return Response(body, media_type=media_type)

    if documented:

        @router.get("/docs", response_class=Response, include_in_schema=False)
        async def reference() -> Response:
            """The API, readable in a browser; it loads nothing but ``/openapi.json``."""
            return Response(REFERENCE, headers=_REFERENCE_HEADERS, media_type="text/html")

    return router


@asynccontextmanager
async def until_the_end(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do ``work`` beside the block; it is cancelled with its end, and waited for."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
