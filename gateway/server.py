"""How every HTTP process of ours listens: one way to run uvicorn, with our own connections."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from gateway.settings import FrontSettings
from stack import tls
from stack.http import HttpSettings

GRACE_S = 10
"""How long a process that ends waits for the answers under way."""
OTHER_FILES = 1_000
"""Files a process has open besides its connections."""


def config(app: FastAPI | str, port: int, *, workers: int = 1, **more: Any) -> uvicorn.Config:
    """``app`` is an application, or where a function that makes one is (``module:function``)."""
    settings = FrontSettings()
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        host=HttpSettings().host,
        port=port,
        loop="uvloop",
        http="gateway.connections:Connection",
        ws="none",
        log_config=None,
        access_log=False,  # paths name learners; metrics and traces count requests
        server_header=False,
        proxy_headers=False,  # LMS_LIMITS_TRUSTED_PROXIES says whom to believe
        timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # seconds, any number
        timeout_graceful_shutdown=GRACE_S,
        **tls.uvicorn_options(),
        **more,
    )


def run(
    app: FastAPI | str,
    port: int,
    *,
    workers: int = 1,
    served: Callable[[uvicorn.Server], None] | None = None,
    **more: Any,
) -> bool:
    """Answer until stopped; whether it came so far that it could.

    ``served`` gets the server before it starts: setting its ``should_exit`` ends it.
    """
    _have_room(FrontSettings().max_connections)
    made = config(app, port, workers=workers, **more)
    if workers > 1:
        Multiprocess(made, sockets=[made.bind_socket()]).run()
        return True
    server = uvicorn.Server(made)
    if served is not None:
        served(server)
    server.run()
    return server.started


def _have_room(connections: int) -> None:
    """Let the process open as many files as its connections need, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
