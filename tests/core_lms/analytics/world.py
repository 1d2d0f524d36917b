"""A panel that is there."""

from __future__ import annotations

from typing import Any


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    return {"dashboard": "overview", "panel": "active_learners"}
