"""``/api/v1/analytics/dashboards``: panels with their data, and a stream of their changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from contracts.errors import LearnstreamError
from contracts.panels import Panel
from dashboards import catalogue
from dashboards.web.visit import Visit, visits
from gateway.problems import RESPONSES

API = "/api/v1/analytics/dashboards"
router = APIRouter(prefix=API, tags=["dashboards"], responses=RESPONSES)

Reads = Annotated[Visit, visits("board.read")]


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


@router.get("")
async def list_dashboards(visit: Reads) -> dict[str, Any]:
    """List every dashboard with its panels' headers."""
    await visit.viewer()
    return {
        "dashboards": [
            {"name": name, "panels": [describe(panel) for panel in panels]}
            for name, panels in catalogue.dashboards().items()
        ]
    }


@router.get("/{dashboard}")
async def get_dashboard(visit: Reads, dashboard: str) -> dict[str, Any]:
    """Read one dashboard with its panels' headers."""
    await visit.viewer()
    panels = catalogue.dashboard(dashboard)
    return {"name": dashboard, "panels": [describe(panel) for panel in panels]}


@router.get("/{dashboard}/panels/{panel}")
async def get_panel_data(visit: Reads, dashboard: str, panel: str) -> Response:
    """Read the data of a panel, of what you may see; a second old at most where its query is
    quick."""
    viewer = await visit.viewer()
    answer = await visit.web.poller.answer(viewer, catalogue.panel(dashboard, panel))
    return Response(answer.json, media_type="application/json")


@router.get("/{dashboard}/panels/{panel}/sql")
async def get_panel_sql(visit: Reads, dashboard: str, panel: str) -> PlainTextResponse:
    """Read the SQL of a panel."""
    await visit.viewer()
    return PlainTextResponse(catalogue.panel(dashboard, panel).sql)


@router.get("/{dashboard}/stream")
async def stream_dashboard(visit: Reads, dashboard: str) -> StreamingResponse:
    """Follow the panels of a dashboard as they change.

    It ends with the session, and when the caller's scope has changed.
    """
    viewer = await visit.viewer()
    panels = catalogue.dashboard(dashboard)

    async def lines() -> AsyncIterator[bytes]:
        try:
            async for event, data in visit.web.poller.watch(viewer, dashboard, panels, visit.still):
                yield b"event: %s\ndata: %s\n\n" % (event.encode(), data)
        except LearnstreamError:
            return  # the browser connects again and gets the reason

    return StreamingResponse(lines(), media_type="text/event-stream")
