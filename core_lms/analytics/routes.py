"""``/analytics/dashboards``: what there is to see, and the data of each panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response

from core_lms.analytics import panels, resource, schemas, service
from core_lms.analytics.settings import AnalyticsSettings
from core_lms.work import Work, does
from gateway.problems import RESPONSES
from gateway.resource import Institution
from stack.postgres import PostgresSettings, pool

Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    """Panels are read before the first one is asked for; the database may be away meanwhile."""
    settings = AnalyticsSettings()
    panels.dashboards(settings.panels)
    database = pool(PostgresSettings().analyst_url, application_name="learnstream-panels")
    database.timeout = settings.timeout_s
    await database.open(wait=False)
    await database.resize(0, settings.connections)
    app.state.analytics = database
    try:
        yield
    finally:
        await database.close()


router = APIRouter(
    prefix="/analytics", tags=["analytics"], responses=RESPONSES, lifespan=_connected
)


@router.get("/dashboards", response_model=schemas.Dashboards)
async def dashboards(work: Annotated[Work, does("analytics.list")]) -> dict[str, Any]:
    """The dashboards and their panels."""
    async with work.begin(Institution()):
        return {"items": service.listed(AnalyticsSettings())}


@router.get("/dashboards/{dashboard}/panels/{panel}", response_model=schemas.PanelData)
async def data(
    dashboard: Name,
    panel: Name,
    request: Request,
    response: Response,
    work: Annotated[Work, does("analytics.read")],
    scope: Annotated[
        schemas.Scope | None,
        Query(
            description="whose rows: the `installation` (its administrators), the `institution` "
            "(its administrators and machines), the `courses` that you teach, or your `self`; "
            "without it the institution, else your courses, else yourself"
        ),
    ] = None,
) -> dict[str, Any]:
    """A panel's data, of the rows that you may see."""
    settings = AnalyticsSettings()
    about = resource.Analytics(service.widest(work.caller, scope))
    async with work.begin(about) as unit:
        found = panels.panel(settings.panels, dashboard, panel)
        seen, course_ids = str(unit.facts["scope"]), await service.courses(unit)
    response.headers["Cache-Control"] = "private, max-age=1"
    return await service.data(
        request.app.state.analytics, found, seen, work.caller, course_ids, settings
    )
