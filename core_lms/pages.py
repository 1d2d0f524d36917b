"""A page of a list, whose people are in the audit log before anybody reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core_lms import audit_trail
from gateway import pages
from gateway.pages import Page, decode

__all__ = ["Page", "decode", "page"]


def page(rows: Sequence[Any], limit: int, first: str = "created_at") -> dict[str, Any]:
    """``gateway.pages.page``; the unit of this request is about whoever is shown."""
    audit_trail.shown(rows[:limit])
    return pages.page(rows, limit, first)
