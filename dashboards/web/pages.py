"""The pages: static files without personal data that load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from dashboards.web.visit import Visit, visits
from gateway.errors import NotFound

STATIC = Path(__file__).parent / "static"
_HEAD = """<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <link rel="icon" href="/static/mark.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/page.css">
"""
"""What every page's head begins with."""
_PAGES = {
    path.name: path.read_text(encoding="utf-8").replace("<head>\n", _HEAD, 1)
    for path in STATIC.glob("*.html")
}
_ASSETS = {path.name: path for path in STATIC.iterdir() if path.suffix in (".js", ".css", ".svg")}
_PAGE_HEADERS = {
    # Everything a page needs comes from this process: nothing else may run or be requested.
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
async def overview(visit: Opens) -> HTMLResponse:
    return _page(visit, "index.html")


@router.get("/sign-in")
async def sign_in(visit: Opens) -> HTMLResponse:
    return _page(visit, "sign-in.html")


@router.get("/learners")
@router.get("/learner/{learner_id}")
async def for_you(visit: Opens, learner_id: UUID | None = None) -> HTMLResponse:
    return _page(visit, "learner.html")


@router.get("/static/{name}")
async def asset(visit: Opens, name: str) -> FileResponse:
    visit.decide("Public")
    if name not in _ASSETS:
        raise NotFound(f"there is nothing at /static/{name[:40]}")
    return FileResponse(_ASSETS[name], headers=_ASSET)


def _page(visit: Visit, name: str) -> HTMLResponse:
    visit.decide("Public")
    return HTMLResponse(_PAGES[name], headers=_PAGE_HEADERS)
