"""The application: pages, the dashboards' API, health and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import panel as catalogue
from dashboards.panel import Panel
from dashboards.web import learners, problems
from dashboards.web.board import Board
from dashboards.web.names import Names
from stack.http import HttpSettings
from stack.postgres import PostgresSettings

STATIC = Path(__file__).parent / "static"
API = "/api/v1/analytics/dashboards"
_HEADERS = {
    # Everything the page needs comes from this process: nothing else may run or be asked.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app() -> FastAPI:
    """The application over the parts that the settings name."""
    settings = HttpSettings()
    headers: dict[str, str] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(base_url=settings.lms_url, timeout=5, headers=headers) as lms,
            httpx.AsyncClient(base_url=settings.serving_url, timeout=10) as serving,
        ):
            app.state.board = Board(PostgresSettings().analytics_url, Names(lms))
            app.state.lms, app.state.serving = lms, serving
            yield
            await app.state.board.close()

    # Without the API's own documentation page: its scripts come from elsewhere.
    app = FastAPI(title="Learnstream dashboards", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(learners.router)
    _add_api(app)
    _add_pages(app)
    return app


def describe(panel: Panel) -> dict[str, Any]:
    """A panel's header as JSON, with where its data and its SQL are."""
    here = f"{API}/{quote(panel.dashboard)}/panels/{quote(panel.name)}"
    return {
        "name": panel.name,
        "title": panel.title,
        "question": panel.question,
        "picture": panel.picture,
        "unit": panel.unit,
        "units": panel.units,
        "labels": panel.labels,
        "note": panel.note,
        "span": panel.span,
        "series": panel.series,
        "empty": panel.empty,
        "size": panel.size,
        "data_url": here,
        "sql_url": f"{here}/sql",
    }


def _add_api(app: FastAPI) -> None:
    def board() -> Board:
        return app.state.board  # type: ignore[no-any-return]

    @app.get(API, tags=["dashboards"])
    async def list_dashboards() -> dict[str, Any]:
        """Every dashboard with its panels' headers."""
        return {
            "dashboards": [
                {"name": name, "panels": [describe(panel) for panel in panels]}
                for name, panels in catalogue.dashboards().items()
            ]
        }

    @app.get(API + "/{dashboard}", tags=["dashboards"])
    async def one_dashboard(dashboard: str) -> dict[str, Any]:
        panels = catalogue.dashboard(dashboard)
        return {"name": dashboard, "panels": [describe(panel) for panel in panels]}

    @app.get(API + "/{dashboard}/panels/{panel}", tags=["dashboards"])
    async def panel_data(dashboard: str, panel: str) -> Response:
        """``columns`` and ``rows`` of a panel, at most a second old where its query is quick."""
        answer = await board().answer(catalogue.panel(dashboard, panel))
        return Response(answer.json, media_type="application/json")

    @app.get(API + "/{dashboard}/panels/{panel}/sql", tags=["dashboards"])
    async def panel_sql(dashboard: str, panel: str) -> PlainTextResponse:
        """The one source of the panel, as it stands in the repository."""
        return PlainTextResponse(catalogue.panel(dashboard, panel).sql)

    @app.get(API + "/{dashboard}/stream", tags=["dashboards"])
    async def stream(dashboard: str) -> StreamingResponse:
        """Server-sent events: ``panel`` with the data of a changed one, ``state`` each second."""
        panels = catalogue.dashboard(dashboard)

        async def lines() -> AsyncIterator[bytes]:
            async for event, data in board().watch(dashboard, panels):
                yield b"event: %s\ndata: %s\n\n" % (event.encode(), data)

        return StreamingResponse(
            lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready", tags=["health"])
    async def ready() -> dict[str, str]:
        """503 while the analytical database is away."""
        await board().query("SELECT 1")
        return {"status": "ready"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Guarded:
    """Adds the security headers to every answer; plain ASGI, so that streams pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "no-cache"  # asked each time, sent when changed
            await send(message)

        await self._app(scope, receive, guarded)


def _add_pages(app: FastAPI) -> None:
    app.add_middleware(_Guarded)

    @app.get("/", include_in_schema=False)
    async def overview() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/learners", include_in_schema=False)
    @app.get("/learner/{learner_id}", include_in_schema=False)
    async def for_you(learner_id: UUID | None = None) -> FileResponse:
        return FileResponse(STATIC / "learner.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
