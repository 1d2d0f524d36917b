"""The pages themselves: files that hold nothing of anybody and bring everything along they need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import FileResponse

from dashboards.web.visit import Visit, visits
from gateway.errors import NotFound

STATIC = Path(__file__).parent / "static"
_ASSETS = {path.name: path for path in STATIC.iterdir() if path.suffix in (".js", ".css", ".svg")}
_PAGE = {
    # Everything the page needs comes from this process: nothing else may run or be asked.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
_ASSET = {"Cache-Control": "no-cache"}  # asked each time, sent when changed

router = APIRouter(include_in_schema=False)

Opens = Annotated[Visit, visits("page.open")]


@router.get("/")
async def overview(visit: Opens) -> FileResponse:
    return _page(visit, "index.html")


@router.get("/sign-in")
async def sign_in(visit: Opens) -> FileResponse:
    return _page(visit, "sign-in.html")


@router.get("/learners")
@router.get("/learner/{learner_id}")
async def for_you(visit: Opens, learner_id: UUID | None = None) -> FileResponse:
    return _page(visit, "learner.html")


@router.get("/static/{name}")
async def asset(visit: Opens, name: str) -> FileResponse:
    visit.decide("Public")
    if name not in _ASSETS:
        raise NotFound(f"there is nothing at /static/{name[:40]}")
    return FileResponse(_ASSETS[name], headers=_ASSET)


def _page(visit: Visit, name: str) -> FileResponse:
    visit.decide("Public")
    return FileResponse(STATIC / name, headers=_PAGE)
