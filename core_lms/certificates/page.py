"""The public page of a certificate: readable by anybody, printable on one sheet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core_lms.certificates.settings import settings

FOLDER = Path(__file__).parent / "templates"
STYLE = (FOLDER / "certificate.css").read_text(encoding="utf-8")

_digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_digest}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing is loaded and nothing runs: the page is text and its one style sheet."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = _day
    made.globals["style"] = STYLE
    return made


def _day(value: str | date | datetime) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.day} {moment:%B %Y}"


def certificate_page(verification: Mapping[str, Any]) -> str:
    """HTML; ``verification`` is what ``service.verify`` found."""
    return (
        _environment()
        .get_template("certificate.html")
        .render(
            **verification,
            issuer=settings().issuer,
            url=f"{settings().public_url}/{verification['code']}",
        )
    )


def unknown_page() -> str:
    return _environment().get_template("unknown.html").render(issuer=settings().issuer)
