"""``/notifications/unsubscribe/{token}``: ends mails by one click, without a login (RFC 8058).

Mail programs POST to it by themselves. A GET only asks: scanners follow every link in a mail.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from core_lms.notifications import preferences
from core_lms.notifications.kinds import kinds
from core_lms.notifications.preferences import ALL
from core_lms.notifications.resource import Unsubscription as Subject
from core_lms.notifications.settings import settings
from core_lms.notifications.texts import FOLDER, page
from core_lms.notifications.tokens import Unsubscription
from core_lms.units import Units, action
from gateway.caller import anonymous
from gateway.problems import RESPONSES

router = APIRouter(prefix="/notifications", tags=["notifications"], responses=RESPONSES)

Token = Annotated[str, Path(max_length=400, description="as the mail has it")]
STYLE = (FOLDER / "unsubscribe.css").read_text(encoding="utf-8")
_digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_digest}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex",
}

PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
FORM = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "List-Unsubscribe": {"type": "string", "enum": ["One-Click", "All"]}
                    },
                },
                "example": {"List-Unsubscribe": "One-Click"},
            }
        }
    }
}


@router.get("/unsubscribe/{token}", responses=PAGE)
async def ask_to_unsubscribe(
    token: Token, units: Annotated[Units, action("notification.unsubscribe")]
) -> Any:
    """Show a page with a button that ends mails; looking at it changes nothing."""
    ends = Unsubscription.read(token)
    async with _of(units, ends).begin(Subject(ends.user_id)):
        pass
    return _page("Unsubscribe", f"No longer be notified by {_way(ends)}: {_about(ends)}.", ask=True)


@router.post("/unsubscribe/{token}", responses=PAGE, openapi_extra=FORM)
async def unsubscribe(
    token: Token,
    units: Annotated[Units, action("notification.unsubscribe")],
    request: Request,
) -> Any:
    """End the mails of a kind, as mail programs do by one click: `List-Unsubscribe=One-Click` as a
    form. With `List-Unsubscribe=All` everything ends but what is essential. Repeating it changes
    nothing.
    """
    ends = Unsubscription.read(token)
    # Whatever form a mail program posts it as (RFC 8058 leaves two): our own page says All.
    kind = ALL if await request.body() == b"List-Unsubscribe=All" else ends.kind
    async with _of(units, ends).begin(Subject(ends.user_id)) as unit:
        if kind == ALL:
            for name, spec in kinds().items():
                if not spec.essential:
                    await preferences.decide(unit, ends.user_id, name, ends.channel, False)
        await preferences.decide(unit, ends.user_id, kind, ends.channel, False)
    what = "nothing but what is essential" if kind == ALL else "no more of these"
    return _page("Done", f"You get {what} by {_way(ends)}. Your settings can undo it.", ask=False)


def _of(units: Units, ends: Unsubscription) -> Units:
    """Asked as nobody in particular, in the institution of whose mails they are."""
    return replace(units, caller=anonymous(ends.institution_id))


def _about(ends: Unsubscription) -> str:
    kind = kinds().get(ends.kind)
    return kind.about[0].lower() + kind.about[1:] if kind else ends.kind


def _way(ends: Unsubscription) -> str:
    return {"email": "mail"}.get(ends.channel, ends.channel.replace("_", " "))


def _page(title: str, sentence: str, *, ask: bool) -> HTMLResponse:
    values = {"title": title, "sentence": sentence, "ask": ask}
    text = page("unsubscribe.html", **values, style=STYLE, issuer=settings().issuer)
    return HTMLResponse(text, HTTPStatus.OK, headers=HEADERS)
