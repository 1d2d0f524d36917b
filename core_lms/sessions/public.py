"""``/account``: the page that mailed links lead to, where somebody sets their password."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from core_lms.units import Units, action
from gateway.problems import RESPONSES
from gateway.resource import Public

router = APIRouter(tags=["sessions"], responses=RESPONSES)

PAGE = (Path(__file__).parent / "templates/account.html").read_text(encoding="utf-8")


def _digest(element: str) -> str:
    """Of the one inline element of its kind: the page runs what was shipped and nothing else."""
    found = re.search(rf"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
    assert found is not None
    digest = hashlib.sha256(found[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; script-src {_digest('script')}; "
    f"style-src {_digest('style')}; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "X-Robots-Tag": "noindex",
}


@router.get("/account", response_class=HTMLResponse)
async def show_account_page(units: Annotated[Units, action("password.link")]) -> HTMLResponse:
    """Show the page that a mailed link leads to."""
    async with units.begin(Public()):
        pass
    return HTMLResponse(PAGE, headers=HEADERS)
