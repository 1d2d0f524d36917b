"""``/analytics/dashboards``: what there is to see, and the data of each panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response

from core_lms.analytics import learners, panels, resource, schemas, service
from core_lms.analytics.settings import AnalyticsSettings
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway.problems import RESPONSES
from gateway.resource import Institution
from stack.postgres import PostgresSettings, pool
from stack.redis import async_client

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


_analytics = APIRouter(prefix="/analytics", tags=["analytics"], responses=RESPONSES)
_of_person = APIRouter(prefix="/users/{user_id}", tags=["analytics"], responses=RESPONSES)


@_analytics.get("/scope", response_model=schemas.OwnScope)
async def get_analytics_scope(units: Annotated[Units, action("analytics.read")]) -> dict[str, Any]:
    """Say whose rows you see unless you say otherwise."""
    about = resource.Analytics(service.widest(units.caller, None))
    async with units.read(about) as unit:
        return {"scope": unit.facts["scope"]}


@_analytics.get("/learners", response_model=schemas.Learners)
async def list_recent_learners(
    request: Request, units: Annotated[Units, action("learner.list")]
) -> dict[str, Any]:
    """List who studied or joined lately, of those you may see."""
    about = resource.Analytics(service.widest(units.caller, None))
    pool = request.app.state.analytics
    return {"items": await learners.lately(units, about, pool, AnalyticsSettings())}


@_of_person.get("/activity", response_model=schemas.Activity)
async def get_learner_activity(
    user_id: UUID, request: Request, units: Annotated[Units, action("activity.list")]
) -> dict[str, Any]:
    """Read the last dozen things a learner did; a teacher sees those in the courses they teach."""
    pool = request.app.state.analytics
    return await learners.activity(units, Person(user_id), user_id, pool, AnalyticsSettings())


@_analytics.get("/dashboards", response_model=schemas.Dashboards)
async def list_dashboards(units: Annotated[Units, action("analytics.list")]) -> dict[str, Any]:
    """List the dashboards and their panels."""
    async with units.begin(Institution()):
        return {"items": service.listed(AnalyticsSettings())}


@_analytics.get("/dashboards/{dashboard}/panels/{panel}", response_model=schemas.PanelData)
async def get_panel_data(
    dashboard: Name,
    panel: Name,
    request: Request,
    response: Response,
    units: Annotated[Units, action("analytics.read")],
    scope: Annotated[
        schemas.Scope | None,
        Query(
            description="whose rows: the `installation` (its administrators), the `institution` "
            "(its administrators and machines), the `courses` that you teach, or your `self`; "
            "without it the institution, else your courses, else yourself"
        ),
    ] = None,
) -> dict[str, Any]:
    """Read a panel's data, of the rows that you may see."""
    settings = AnalyticsSettings()
    about = resource.Analytics(service.widest(units.caller, scope))
    async with units.begin(about) as unit:
        found = panels.panel(settings.panels, dashboard, panel)
        seen, course_ids = str(unit.facts["scope"]), await service.courses(unit)
    response.headers["Cache-Control"] = "private, max-age=1"
    answer = await service.data(
        request.app.state.analytics, async_client(), found, seen, units.caller, course_ids, settings
    )
    columns = [column["name"] for column in answer["columns"]]
    rows = (dict(zip(columns, row, strict=True)) for row in answer["rows"])
    return answer | {"names": await learners.titles(units, rows)}


router = APIRouter(lifespan=_connected)
for _part in (_analytics, _of_person):
    router.include_router(_part)
