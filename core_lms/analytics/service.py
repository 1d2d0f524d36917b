"""Which rows a caller reads, and a panel's answer about them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.panels import SPAN_COLUMNS, Panel
from core_lms.analytics import live, repository
from core_lms.analytics.panels import dashboards
from core_lms.analytics.repository import Answer, Rows
from core_lms.analytics.resource import Analytics
from core_lms.analytics.settings import AnalyticsSettings
from core_lms.unit import Unit
from gateway.caller import Caller
from gateway.decision import allowed

log = logging.getLogger("core_lms.analytics")

_SUMMARY = ("name", "title", "question", "picture", "unit", "note")
WHOLE = {"scope": "institution", "relations": []}


def widest(caller: Caller, wanted: str | None) -> str | None:
    """The scope asked for, or the whole institution for whoever may; None: by relation."""
    if wanted is None and allowed(caller, "analytics.read", Analytics.KIND, WHOLE):
        return "institution"
    return wanted


def listed(settings: AnalyticsSettings) -> list[dict[str, Any]]:
    """Every dashboard with its panels and where their data is."""
    return [
        {
            "name": dashboard,
            "panels": [
                {name: getattr(panel, name) for name in _SUMMARY}
                | {"data": f"/api/v1/analytics/dashboards/{dashboard}/panels/{panel.name}"}
                for panel in panels.values()
            ],
        }
        for dashboard, panels in dashboards(settings.panels).items()
    ]


async def courses(unit: Unit) -> list[str]:
    """The courses that the scope of the unit is about; only a teacher's scope names them."""
    return await repository.taught(unit) if unit.facts["scope"] == "courses" else []


async def data(
    pool: AsyncConnectionPool[Any],
    redis: Redis,
    panel: Panel,
    scope: str,
    caller: Caller,
    course_ids: list[str],
    settings: AnalyticsSettings,
) -> dict[str, Any]:
    """A panel's answer about the rows of the scope."""
    queried_at = datetime.now(UTC)
    seen = Rows(scope, caller.institution_id, tuple(course_ids), caller.user_id or "")
    answer = await _live(redis, panel, seen, queried_at) or await repository.ask(
        pool, panel.sql, seen, settings.timeout_s, settings.most_rows
    )
    shown = [place for place, name in enumerate(answer.columns) if name not in SPAN_COLUMNS]
    first = dict(zip(answer.columns, answer.rows[0], strict=True)) if answer.rows else {}
    return {
        "dashboard": panel.dashboard,
        "panel": panel.name,
        "title": panel.title,
        "unit": panel.unit,
        "scope": scope,
        "columns": [
            _column(panel, answer.columns[place], [row[place] for row in answer.rows])
            for place in shown
        ],
        "rows": [
            [repository.plain(row[place]) for place in shown]
            for row in answer.rows[: settings.most_rows]
        ],
        "since_at": first.get("since_at"),
        "until_at": first.get("until_at"),
        "queried_at": queried_at,
        "truncated": len(answer.rows) > settings.most_rows,
    }


async def _live(redis: Redis, panel: Panel, seen: Rows, now: datetime) -> Answer | None:
    """From the live counters; None where the panel is not live, or they are not there."""
    if panel.live is None:
        return None
    try:
        return await live.answer(redis, panel.live, seen, now)
    except RedisError as error:
        log.warning("%s is read from the database, Redis is away: %s", panel.name, error)
        return None


def _column(panel: Panel, name: str, values: Sequence[Any]) -> dict[str, Any]:
    counts = any(isinstance(value, (int, float, Decimal)) for value in values)
    unit = panel.units.get(name, panel.unit if counts else None)
    return {"name": name, "label": panel.labels.get(name, name.replace("_", " ")), "unit": unit}
